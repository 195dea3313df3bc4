/** The table of docs/connector/verification.md from the forgeries that the tests try: what they prove is what it says. */
import { readFileSync } from 'node:fs';
import { renderForgeries } from '../test/connector/forgeries.ts';

const PAGE = 'docs/connector/verification.md';
const BETWEEN = /(?<=<!-- begin generated -->\n)[\s\S]*(?=\n<!-- end generated -->)/;

export function generate(): { path: string; content: string }[] {
  const page = readFileSync(PAGE, 'utf8');
  if (!BETWEEN.test(page)) throw new Error(`${PAGE} has lost its marks of the generated table`);
  return [{ path: PAGE, content: page.replace(BETWEEN, () => renderForgeries()) }];
}
