import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** As GitHub makes them of headings: lower case, punctuation gone, spaces to hyphens. */
const anchorsOf = (page: string): Set<string> =>
  new Set(
    [...page.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

describe('links of the documentation', () => {
  it('lead to a file and to a heading that are there', () => {
    const pages = execFileSync('git', ['ls-files', '-z', '--', '*.md'], { encoding: 'utf8' })
      .split('\0')
      .filter((page) => page !== '' && existsSync(page));
    assert.ok(pages.length > 20);
    const broken = pages.flatMap((page) => {
      const text = readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
      return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => target!)
        .filter((target) => {
          if (/^[a-z]+:/.test(target)) return false;
          const [path, anchor] = target.split('#');
          const file = path === '' ? page : normalize(join(dirname(page), path!));
          if (!existsSync(file)) return true;
          return (
            anchor !== undefined && file.endsWith('.md') && !anchorsOf(readFileSync(file, 'utf8')).has(anchor)
          );
        })
        .map((target) => `${page}: ${target}`);
    });
    assert.deepEqual(broken, []);
  });
});
