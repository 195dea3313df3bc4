import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { networkId } from '../../../sidecar/envelope.ts';
import type { JournalEvent } from '../../../sidecar/journal/entry.ts';
import { type Expected, type Found, judgeStart, readExpected } from '../../../sidecar/journal/identity.ts';
import type { Journal } from '../../../sidecar/journal/journal.ts';
import { askHolder } from '../../../sidecar/journal/lock.ts';
import { appendCeremony, appendOffline } from '../../../sidecar/journal/offline.ts';
import { verifyFolder } from '../../../sidecar/journal/verify.ts';
import { ACCOUNT } from '../policy/fixtures.ts';
import { createPlace, type Place, START_MS, STARTED, signed } from './fixtures.ts';

const found = (checkpoint: number, isConfirmed = true, lost?: { id: string; checkpoint: number }): Found => ({
  is: 'intact',
  checkpoint,
  state: {
    id: 'own',
    isConfirmed,
    ...(lost === undefined
      ? {}
      : { loss: { reason: 'another', expected: lost, isWaitedFor: false, isAccepted: false } }),
  },
});
const recorded = (id: string, checkpoint: number): Expected => ({ recorded: { id, checkpoint } });
const ceremonyEvent: Extract<JournalEvent, { type: 'ceremony' }> = {
  type: 'ceremony',
  action: 'channel',
  hash: 'ab'.repeat(32),
  source: ACCOUNT,
  sequence: '900',
  maxTime: `${START_MS / 1000 + 300}`,
  fee: '400',
  channels: ['G1'],
};
const NOTHING: Found = { is: 'nothing' };
const CORRUPT: Found = { is: 'corrupt', reason: 'x' };
const UNRECORDED: Expected = { recorded: undefined };

describe('what a start finds @security', () => {
  const table: [string, Found, Expected, string | object][] = [
    ['nothing, --init', NOTHING, 'init', 'first'],
    ['nothing, nobody says anything', NOTHING, 'unsaid', { refused: '' }],
    ['nothing, no record yet', NOTHING, 'unread', 'wait'],
    ['nothing, none recorded', NOTHING, UNRECORDED, 'wait'],
    ['nothing, one recorded', NOTHING, recorded('own', 0), { lost: 'empty' }],
    ['a broken one, --init', CORRUPT, 'init', { lost: 'corrupt' }],
    ['a broken one, nobody says anything', CORRUPT, 'unsaid', { lost: 'corrupt' }],
    ['a broken one, none recorded', CORRUPT, UNRECORDED, { lost: 'corrupt' }],
    ['a broken one, no record yet', CORRUPT, 'unread', { lost: 'corrupt' }],
    ['an unconfirmed one, --init', found(0, false), 'init', 'first'],
    ['an unconfirmed one, nobody says anything', found(0, false), 'unsaid', { refused: '' }],
    ['an unconfirmed one, none recorded', found(0, false), UNRECORDED, 'wait'],
    ['an unconfirmed one, itself recorded', found(0, false), recorded('own', 0), 'intact'],
    ['an unconfirmed one, another recorded', found(0, false), recorded('other', 0), { lost: 'another' }],
    ['one in use, --init', found(3), 'init', 'intact'],
    ['one in use, nobody says anything', found(3), 'unsaid', 'intact'],
    ['one in use, no record yet', found(3), 'unread', 'wait'],
    ['one in use, none recorded', found(3), UNRECORDED, 'adopted'],
    ['one in use, itself recorded', found(3), recorded('own', 3), 'intact'],
    ['one in use, itself recorded earlier', found(3), recorded('own', 2), 'intact'],
    ['one in use, itself recorded later', found(3), recorded('own', 4), { lost: 'older' }],
    ['one in use, another recorded', found(3), recorded('other', 0), { lost: 'another' }],
    [
      'one that knows of this loss',
      found(3, true, { id: 'other', checkpoint: 7 }),
      recorded('other', 7),
      'intact',
    ],
    [
      'one that knows of an earlier loss',
      found(3, true, { id: 'other', checkpoint: 7 }),
      recorded('other', 8),
      { lost: 'another' },
    ],
  ];
  for (const [what, is, expected, verdict] of table)
    it(`judges ${what}`, () => {
      const judged = judgeStart(is, expected);
      if (typeof judged === 'object' && 'refused' in judged) {
        assert.match(judged.refused, /--init/);
        assert.deepEqual(verdict, { refused: '' });
      } else assert.deepEqual(judged, verdict);
    });

  it('reads a record, an empty one, and waits for one that is not whole', async () => {
    const place = createPlace();
    const file = join(place.dir, 'expected.json');
    assert.equal(await readExpected(file), 'unread');
    for (const [text, expected] of [
      ['{}\n', { recorded: undefined }],
      ['{"id":"a","checkpoint":7}', { recorded: { id: 'a', checkpoint: 7 } }],
      ['{"id":"a","checkpoint"', 'unread'],
      ['{"id":"a"}', 'unread'],
      ['[]', 'unread'],
      ['', 'unread'],
    ] as const) {
      writeFileSync(file, text);
      assert.deepEqual(await readExpected(file), expected, text);
    }
    await place.remove();
  });
});

describe('first start and loss @security', () => {
  let place: Place;
  let expected: Expected;
  const open = () => place.open({ expected: async () => expected });
  const restart = async (): Promise<Journal> => {
    await place.closeAll();
    return open();
  };
  /** A confirmed journal with some lines, and two checkpoints unless told otherwise. */
  const prepare = async (checkpoints = 2): Promise<string> => {
    expected = UNRECORDED;
    const journal = await open();
    expected = recorded(journal.id, 0);
    await journal.tick();
    for (let n = 0; journal.checkpoint() < checkpoints; n++) {
      await journal.append(signed(n));
      place.pass(700_000);
    }
    return journal.id;
  };
  const losses = () =>
    place.lines().flatMap(({ event }) => (event.type === 'loss' ? [[event.reason, event.expected?.id]] : []));
  beforeEach(() => {
    place = createPlace();
  });
  afterEach(() => place.remove());

  it('signs when its own id has come back, over a restart too', async () => {
    expected = UNRECORDED;
    let journal = await open();
    const { id } = journal;
    await journal.tick();
    assert.deepEqual(journal.standing(), { state: 'unconfirmed' });
    journal = await restart();
    assert.deepEqual(journal.standing(), { state: 'unconfirmed' });
    expected = 'unread';
    await journal.tick();
    expected = recorded(id, 0);
    assert.deepEqual(journal.standing(), { state: 'unconfirmed' });
    await journal.tick();
    assert.deepEqual(journal.standing(), { state: 'ready' });
    assert.deepEqual(journal.expected(), expected);
    expected = UNRECORDED;
    assert.deepEqual((await restart()).standing(), { state: 'ready' });
    assert.deepEqual(place.types(), ['created', 'confirmed']);
  });

  it('never waits with an intact one, but for the record itself', async () => {
    const id = await prepare();
    for (const what of [recorded(id, 0), recorded(id, 2), UNRECORDED, 'unsaid', 'init'] as Expected[]) {
      expected = what;
      assert.deepEqual((await restart()).standing(), { state: 'ready' });
    }
    expected = 'unread';
    const journal = await restart();
    assert.deepEqual(journal.standing(), { state: 'unconfirmed' });
    expected = recorded(id, 2);
    await journal.tick();
    assert.deepEqual(journal.standing(), { state: 'ready' });
    assert.deepEqual(losses(), []);
  });

  /** Whatever was lost, this follows. */
  const followsLoss = async (journal: Journal): Promise<void> => {
    assert.deepEqual(journal.standing(), { state: 'waiting', seconds: 180 });
    place.time.wallMs += 86_400_000;
    place.time.monotonicMs += 179_500;
    await journal.tick();
    assert.deepEqual(journal.standing(), { state: 'waiting', seconds: 1 });
    const again = await restart();
    assert.deepEqual(again.standing(), { state: 'waiting', seconds: 180 });
    place.pass(180_000);
    await again.tick();
    assert.deepEqual(again.standing(), { state: 'full' });
    const full = await restart();
    assert.deepEqual(full.standing(), { state: 'full' });
    await askHolder(place.dir, { reason: 'disk died', by: 'ann' });
    assert.deepEqual(full.standing(), { state: 'ready' });
    await assert.rejects(askHolder(place.dir, { reason: 'x', by: 'y' }), /no loss/);
    assert.deepEqual((await restart()).standing(), { state: 'ready' });
    assert.equal(losses().length, 1);
    assert.ok((await verifyFolder(place.dir)).ok);
  };

  it('refuses for 180 s after an empty volume, from anew at each start, then counts windows as full until accepted', async () => {
    const id = await prepare();
    await place.closeAll();
    for (const name of place.files()) rmSync(join(place.dir, name));
    expected = recorded(id, 1);
    await followsLoss(await open());
    assert.deepEqual(losses(), [['empty', id]]);
  });

  it('does the same after a restored older copy, keeps it, and is newer than the record from then on', async () => {
    await prepare(1);
    await place.closeAll();
    const copy = `${place.dir}-copy`;
    cpSync(place.dir, copy, { recursive: true });
    const journal = await open();
    for (let n = 100; journal.checkpoint() < 3; n++) {
      await journal.append(signed(n));
      place.pass(3_600_000);
    }
    expected = recorded(journal.id, 3);
    await place.closeAll();
    rmSync(place.dir, { recursive: true });
    cpSync(copy, place.dir, { recursive: true });
    rmSync(copy, { recursive: true });
    const older = await open();
    assert.equal(older.checkpoint(), 1);
    assert.ok(older.restored.windows.length > 0);
    // Died before the checkpoint that is newer than the record.
    const again = await restart();
    await again.append(STARTED);
    assert.equal(again.checkpoint(), 4);
    await followsLoss(again);
    assert.deepEqual(losses(), [['older', journal.id]]);
  });

  it('does the same with another journal than the recorded one', async () => {
    await prepare();
    expected = recorded('somebody', 0);
    await followsLoss(await restart());
    assert.deepEqual(losses(), [['another', 'somebody']]);
  });

  it('does the same when the record turns out to be another while it waits for it', async () => {
    expected = UNRECORDED;
    const journal = await open();
    expected = recorded('somebody', 5);
    place.pass(170_000);
    await journal.tick();
    await followsLoss(journal);
  });

  it('does the same with a broken one, and keeps what is left of it', async () => {
    await prepare();
    await place.closeAll();
    const name = place.files().at(-1)!;
    const text = readFileSync(join(place.dir, name), 'utf8');
    writeFileSync(join(place.dir, name), text.replace('"fee":"100"', '"fee":"900"'));
    const kept = place.files().length;
    expected = 'unsaid';
    await followsLoss(await open());
    const lost = readdirSync(place.dir).filter((one) => one.startsWith('lost-'));
    assert.equal(lost.length, kept);
    assert.match(JSON.stringify(place.noticed), /line 2: it was changed|line 2: it does not follow/);
  });

  it('neither begins nor waits on what is no plain file', async () => {
    await prepare(1);
    await place.closeAll();
    const path = join(place.dir, place.files().at(-1)!);
    rmSync(path);
    execFileSync('mkfifo', [path]);
    const before = readdirSync(place.dir);
    await assert.rejects(open(), /is no plain file: see who put it there/);
    assert.deepEqual(readdirSync(place.dir), before);
    rmSync(path);
    // One that no memory holds is a broken one.
    writeFileSync(path, '');
    truncateSync(path, 10_000_000_000);
    assert.equal((await open()).standing().state, 'waiting');
  });

  it('still knows of it when it died after it had put the broken one aside', async () => {
    await prepare();
    await place.closeAll();
    for (const name of place.files()) {
      cpSync(join(place.dir, name), join(place.dir, `lost-x-${name}`));
      rmSync(join(place.dir, name));
    }
    expected = 'init';
    assert.equal((await open()).standing().state, 'waiting');
  });

  it('lets an operator of the command line accept while no signer runs, and write what a ceremony did', async () => {
    await prepare();
    expected = recorded('somebody', 0);
    await restart();
    const ceremony = ceremonyEvent;
    await assert.rejects(appendOffline(place.dir, ceremony), { code: 'journal-locked' });
    await place.closeAll();
    assert.equal(await askHolder(place.dir, { reason: 'r', by: 'b' }), undefined);
    await appendOffline(place.dir, ceremony);
    await appendOffline(place.dir, { type: 'loss-accepted', reason: 'r', by: 'b' });
    const journal = await open();
    assert.deepEqual(journal.standing(), { state: 'waiting', seconds: 180 });
    place.pass(180_000);
    await journal.tick();
    assert.deepEqual(journal.standing(), { state: 'ready' });
    assert.ok((await verifyFolder(place.dir)).ok);
  });

  it('takes the sequence of what a ceremony signed, and lets it take none that is live', async () => {
    const networkPassphrase = 'a network of this test';
    const network = networkId(networkPassphrase).toString('hex');
    const first = await place.open({ network });
    await first.append(signed(898, { maxTime: '99999999999' }));
    await place.closeAll();
    const where = { dir: place.dir, account: ACCOUNT, networkPassphrase };
    await assert.rejects(
      appendCeremony({ ...where, networkPassphrase: 'x' }, ceremonyEvent),
      /another account or network/,
    );
    await assert.rejects(appendCeremony({ ...where, account: 'G' }, ceremonyEvent), {
      code: 'journal-foreign',
    });
    await assert.rejects(appendCeremony(where, { ...ceremonyEvent, sequence: '899' }), {
      code: 'sequence-live',
    });
    await appendCeremony(where, ceremonyEvent);
    const { live } = (await place.open({ network })).restored;
    assert.deepEqual(
      live.map(({ sequence, hash }) => [sequence, hash]),
      [
        ['899', signed(898).hash],
        ['900', ceremonyEvent.hash],
      ],
    );
  });

  it('writes nothing offline where no journal is', async () => {
    await assert.rejects(appendOffline(place.dir, STARTED), { code: 'journal-missing' });
    assert.deepEqual(place.files(), []);
  });
});
