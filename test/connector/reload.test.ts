import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { startWorld, type World } from './world.ts';

describe('connector: what a running process takes over from a changed file', function () {
  this.timeout(30_000);
  let world: World;
  // biome-ignore lint/suspicious/noExplicitAny: plain YAML of the world's own
  const change = async (edit: (file: any) => void): Promise<number> => {
    const path = world.environment.STELLAR_CONFIG_FILE!;
    const file = parse(await readFile(path, 'utf8'));
    edit(file);
    await writeFile(path, stringify(file));
    return (await world.call('POST', '/restart', {})).status;
  };
  before(async () => {
    world = await startWorld();
  });
  after(() => world?.stop());

  it('@security pins: with others the server is left, with its own it is taken again', async () => {
    assert.equal((await world.swap()).status, 200);
    const { pins } = world.horizon;
    const others = [`sha256/${'A'.repeat(43)}=`, `sha256/${'B'.repeat(43)}=`];
    assert.equal(
      await change(({ horizon }) => Object.assign(horizon.endpoints[0], { spkiPins: others })),
      200,
    );
    const refused = await world.swap();
    assert.deepEqual([refused.status, refused.body.code], [503, 'LEDGER_UNREACHABLE']);
    assert.match(await world.metrics(), /pin_mismatches_total\{host="horizon.connector.test"\} [1-9]/);
    await change(({ horizon }) => Object.assign(horizon.endpoints[0], { spkiPins: [pins.leaf, pins.ca] }));
    let healed = await world.swap();
    for (let tries = 0; healed.status !== 200 && tries < 50; tries++) healed = await world.swap();
    assert.equal(healed.status, 200, healed.body.message);
  });

  it('@security clients: one that is no longer listed is refused, and a file that is wrong changes nothing', async () => {
    assert.equal(await change((file) => Object.assign(file, { colour: 'red' })), 500);
    assert.equal((await world.call('GET', '/')).status, 200);
    await change((file) => {
      delete file.colour;
      file.gateway = { clients: ['another-bot'] };
    });
    await assert.rejects(world.call('GET', '/'));
  });
});
