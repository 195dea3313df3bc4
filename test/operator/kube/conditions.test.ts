import assert from 'node:assert/strict';
import { conditionsOf, type Finding } from '../../../operator/kube/conditions.ts';

const finding = (status: Finding['status'], message = 'm'): Finding => ({
  type: 'Ready',
  status,
  reason: 'R',
  message,
});
const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds, 345));

describe('conditions', () => {
  const [first] = conditionsOf([finding('False')], [], 1, at(0));

  it('has times in whole seconds, and the generation', () => {
    assert.equal(first?.lastTransitionTime, '2026-01-01T00:00:00Z');
    assert.equal(first?.observedGeneration, 1);
  });

  it('moves lastTransitionTime when the status changes, not when the message does', () => {
    const [second] = conditionsOf([finding('False', 'other')], [first!], 2, at(5));
    assert.equal(second?.lastTransitionTime, first?.lastTransitionTime);
    assert.equal(second?.message, 'other');
    const [third] = conditionsOf([finding('True')], [second!], 2, at(9));
    assert.equal(third?.lastTransitionTime, '2026-01-01T00:00:09Z');
  });

  it('drops a condition without a finding', () => {
    assert.deepEqual(conditionsOf([], [first!], 1, at(0)), []);
  });
});
