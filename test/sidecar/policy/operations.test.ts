import assert from 'node:assert/strict';
import { xdr } from '@stellar/stellar-sdk';
import { OPERATION_RULES } from '../../../sidecar/policy/operations.ts';
import type { OtherOperation } from '../../../sidecar/transaction.ts';
import { EURC_ID, USDC_ID, verdict } from './fixtures.ts';

/** Every member of the protocol's OperationType, as the SDK's XDR has it. */
const PROTOCOL = [
  ...(xdr.OperationType.schema as unknown as { nameByValue: Map<number, string> }).nameByValue.values(),
];

describe('signing policy: the operations of the protocol @security', () => {
  it('decides each of them by name, and no other', () => {
    assert.ok(PROTOCOL.length >= 27);
    assert.deepEqual(Object.keys(OPERATION_RULES).sort(), [...PROTOCOL].sort());
  });

  it('lets only path payments reach a rule', () => {
    const judged = PROTOCOL.filter(
      (name) => OPERATION_RULES[name as keyof typeof OPERATION_RULES] === 'swap',
    );
    assert.deepEqual(judged.sort(), ['pathPaymentStrictReceive', 'pathPaymentStrictSend']);
  });

  const generous = {
    offers: [{ pair: ['XLM', USDC_ID] }],
    pools: [{ pair: ['XLM', USDC_ID] }],
    payments: [{ asset: 'XLM' }],
    trustlines: [EURC_ID],
  };
  for (const type of PROTOCOL.filter((name) => !name.startsWith('pathPayment')))
    it(`${type} is refused, whatever a policy lists`, () => {
      const operations = [{ type, source: undefined } as OtherOperation];
      assert.equal(verdict({ operations }, generous), 'operation-not-allowed operations[0]');
    });

  it('refuses an operation that the table does not know', () => {
    const operations = [{ type: 'mintMoney', source: undefined } as unknown as OtherOperation];
    assert.equal(verdict({ operations }), 'operation-not-allowed operations[0]');
  });
});
