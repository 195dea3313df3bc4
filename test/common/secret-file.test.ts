import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileFacts, fileFacts, secretFileFault } from '../../common/secret-file.ts';

const self = { uid: 10001, groups: [10001, 2000] };
const own: FileFacts = {
  path: '/s/pin',
  uid: 10001,
  gid: 10001,
  mode: 0o100400,
  isOnMount: false,
  folders: [{ path: '/s', mode: 0o40755 }],
};
/** As the kubelet writes one with fsGroup 2000 and defaultMode 0440. */
const volume: FileFacts = {
  ...own,
  uid: 0,
  gid: 2000,
  mode: 0o100440,
  isOnMount: true,
  folders: [
    { path: '/s/..2026', mode: 0o40755 },
    { path: '/s', mode: 0o43777 },
  ],
};

describe('a file that holds a secret @security', () => {
  for (const [what, file] of Object.entries({
    'our own, 0400': own,
    'our own, 0600': { ...own, mode: 0o100600 },
    'root’s, which we read as root would let us': { ...own, uid: 0 },
    'a Secret volume of the kubelet': volume,
    'below a folder like /tmp': { ...own, folders: [{ path: '/tmp', mode: 0o41777 }] },
  }))
    it(`may be ${what}`, () => assert.equal(secretFileFault(file, self), undefined));

  for (const [what, file, says] of [
    ['another user’s', { ...own, uid: 1000 }, /belongs to user 1000/],
    ['readable for everybody', { ...own, mode: 0o100404 }, /everybody \(mode 0404\): chmod 0400/],
    ['readable for everybody in a volume', { ...volume, mode: 0o100444 }, /everybody/],
    ['writable for everybody', { ...own, mode: 0o100602 }, /everybody/],
    ['readable for the group of our own file', { ...own, mode: 0o100440 }, /group 10001 \(mode 0440\)/],
    ['in a volume of a group that is not ours', { ...volume, gid: 3000 }, /group 3000/],
    ['root’s and the group’s, but no volume', { ...volume, isOnMount: false }, /group 2000/],
    ['our own and the group’s in a volume', { ...volume, uid: 10001 }, /group 2000/],
    ['writable for the group in a volume', { ...volume, mode: 0o100460 }, /group 2000/],
    [
      'in a folder that everybody may write',
      { ...own, folders: [{ path: '/s', mode: 0o40777 }] },
      /folder \/s/,
    ],
    [
      'below one that everybody may write',
      { ...own, folders: [...own.folders, { path: '/', mode: 0o40707 }] },
      /folder \/ /,
    ],
  ] as const)
    it(`may not be ${what}`, () => assert.match(secretFileFault(file, self) ?? '', says));

  it('is judged by where it really is', () => {
    const root = mkdtempSync(join(tmpdir(), 'secret-file-'));
    try {
      mkdirSync(join(root, 'real'));
      writeFileSync(join(root, 'real/pin'), 'x', { mode: 0o600 });
      chmodSync(join(root, 'real'), 0o777);
      mkdirSync(join(root, 'shown'));
      symlinkSync('../real/pin', join(root, 'shown/pin'));
      const facts = fileFacts(join(root, 'shown/pin'));
      assert.equal(facts.mode & 0o777, 0o600);
      const asker = { uid: process.getuid!(), groups: [] };
      assert.match(secretFileFault(facts, asker) ?? '', /folder .*\/real is writable for everybody/);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
