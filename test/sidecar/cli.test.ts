import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Actions, EXIT, signer } from '../../sidecar/cli.ts';
import { loadSignerConfig } from '../../sidecar/config.ts';
import { playTranscript } from './transcript.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/signer/transcripts/', import.meta.url));

/** What the real ones do before they look at this machine. */
const actions: Actions = {
  async run({ env: _, ...sources }, { stdout }) {
    stdout.write(`runs with ${JSON.stringify(sources)}\n`);
    return EXIT.ok;
  },
  async check(sources, { stdout }) {
    loadSignerConfig(sources);
    stdout.write('the configuration is usable\n');
    return EXIT.ok;
  },
};

describe('the signer’s command line', () => {
  const transcripts = readdirSync(FOLDER);

  for (const name of transcripts)
    it(`prints what ${name} says`, () =>
      playTranscript(FOLDER + name, (args, io) => signer(args, io, actions)));

  for (const room of ['policy', 'journal', 'keys'])
    it(`hands ${room} what follows it`, async () => {
      let printed = '';
      const stdout = new Writable({
        write(chunk, _encoding, done) {
          printed += String(chunk);
          done();
        },
      });
      const { stdin, stderr } = process;
      const io = { stdin, stdout, stderr, env: {}, signal: new AbortController().signal };
      assert.equal(await signer([room, '--help'], io, actions), EXIT.ok);
      assert.match(printed, new RegExp(`usage: signer ${room} `));
    });

  it('has transcripts', () => assert.ok(transcripts.length >= 3));
});
