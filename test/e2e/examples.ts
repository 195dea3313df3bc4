/** examples/ is what users copy, so the stack and the node run on it too, with values of their own filled in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** An example file; `edit` puts this token and this ledger in the place of what is written there. */
// biome-ignore lint/suspicious/noExplicitAny: plain YAML of a file of ours
export function example(file: string, edit: (object: any) => void = () => {}): object {
  const object = parse(readFileSync(join('examples', file), 'utf8'));
  edit(object);
  return object;
}

/** The example's only market. */
export function exampleMarket(): { base: string; quote: string } {
  let market = { base: '', quote: '' };
  example('stellarconnector.yaml', ({ spec }) => {
    market = spec.markets[0];
  });
  return market;
}
