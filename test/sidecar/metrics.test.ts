import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRegistry } from '../../common/metrics.ts';
import { createMetrics, observeJournal } from '../../sidecar/metrics.ts';

describe('metrics of the signer', () => {
  const registry = createRegistry();
  createMetrics(registry);
  observeJournal(registry, {
    head: () => ({ n: 41, hash: '' }),
    fault: () => undefined,
    standing: () => ({ state: 'waiting', seconds: 9 }),
    checkpoint: () => 3,
    freeShare: () => 0.5,
  });

  it('are all in the page about them, and the page has no others', async () => {
    const page = readFileSync('docs/metrics-and-events.md', 'utf8');
    const documented = new Set(page.match(/stellar_signer_\w+/g));
    const own = registry.getMetricsAsArray().map(({ name }) => name);
    assert.deepEqual([...documented].sort(), own.filter((name) => name.startsWith('stellar_')).sort());
  });

  it('show where the journal stands', async () => {
    const text = await registry.metrics();
    assert.match(text, /^stellar_signer_journal_lines 42$/m);
    assert.match(text, /^stellar_signer_journal_checkpoint 3$/m);
    assert.match(text, /^stellar_signer_journal_free_ratio 0.5$/m);
    assert.match(text, /^stellar_signer_journal_fault 0$/m);
    assert.match(text, /^stellar_signer_journal_standing\{state="waiting"\} 1$/m);
    assert.match(text, /^stellar_signer_journal_standing\{state="ready"\} 0$/m);
  });
});
