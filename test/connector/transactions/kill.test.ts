import assert from 'node:assert/strict';
import { killRun } from './kill.ts';

const kills = Number(process.env.KILLS ?? 20);

describe('connector/transactions under SIGKILL', function () {
  this.timeout(kills * 10_000 + 90_000);

  it(`@security resolves each order exactly once after ${kills} kills at random moments under faults`, async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    const report = await killRun({ kills, seed });
    assert.deepEqual(report.wrong, [], `seed ${seed}: ${JSON.stringify(report)}`);
    assert.ok(report.applied > 0 && report.recovered > 0, JSON.stringify(report));
    if (process.env.KILLS !== undefined) console.log(`      seed ${seed}: ${JSON.stringify(report)}`);
  });
});
