import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { journalCommand } from '../../../sidecar/journal/command.ts';
import { EVENT_TYPES, type JournalEvent } from '../../../sidecar/journal/entry.ts';
import { decimal, inWords } from '../../../sidecar/journal/words.ts';
import { playTranscript } from '../transcript.ts';
import { createPlace } from './fixtures.ts';

const TRANSCRIPTS = fileURLToPath(new URL('../../fixtures/signer/journal', import.meta.url));
/** As the command line does it: what is thrown is said in one line. */
const play: Parameters<typeof playTranscript>[1] = async ([, ...args], io) => {
  try {
    return await journalCommand(args, io);
  } catch (error) {
    io.stderr.write(`signer: ${(error as Error).message}\n`);
    return 1;
  }
};

describe('signer journal @security', () => {
  for (const name of readdirSync(TRANSCRIPTS))
    it(`plays ${name}`, () => playTranscript(join(TRANSCRIPTS, name), play));

  it('asks a running signer to accept a loss, and waits until it has', async () => {
    const place = createPlace();
    const journal = await place.open({ expected: async () => ({ recorded: { id: 'x', checkpoint: 0 } }) });
    let out = '';
    const io = { stdout: { write: (text: string) => (out += text) }, env: {} } as unknown as Parameters<
      typeof journalCommand
    >[1];
    const args = ['accept-loss', '--dir', place.dir, '--reason', 'new claim', '--by', 'ann'];
    assert.equal(await journalCommand(args, io), 0);
    assert.match(
      out,
      /^asking the running signer.*\naccepted: .* nothing is signed for another 180 s; its windows are open after/,
    );
    assert.deepEqual(place.lines().at(-1)!.event, { type: 'loss-accepted', reason: 'new claim', by: 'ann' });
    place.pass(180_000);
    await journal.tick();
    assert.deepEqual(journal.standing(), { state: 'ready' });
    await assert.rejects(journalCommand(args, io), /there is no loss to accept/);
    await place.remove();
  });

  it('has a page that names every type of line', () => {
    const page = readFileSync(new URL('../../../docs/signer/journal.md', import.meta.url), 'utf8');
    assert.deepEqual(
      EVENT_TYPES.filter((type) => !page.includes(`\`${type}\``)),
      [],
    );
  });

  it('has words for every event, and amounts in whole units', () => {
    assert.deepEqual(['0', '1', '10000000', '125000000', '123456789'].map(decimal), [
      '0',
      '0.0000001',
      '1',
      '12.5',
      '12.3456789',
    ]);
    const events: JournalEvent[] = [
      { type: 'key-usable' },
      { type: 'key-unusable', code: 'pin-refused' },
      { type: 'policies-refused', reason: 'bad' },
      { type: 'incomplete-line-cut', bytes: 7 },
      { type: 'write-recovered', reason: 'ENOSPC' },
      { type: 'segments-removed', from: 0, to: 9, head: 'ab' },
      { type: 'loss-accepted', reason: 'r', by: 'ann' },
    ];
    for (const event of events)
      assert.match(inWords({ n: 1, time: 't', prev: '', event }), /^1 t [A-Za-z0-9].{10,}/);
  });
});
