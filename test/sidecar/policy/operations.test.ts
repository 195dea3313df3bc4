import assert from 'node:assert/strict';
import { encodeMuxedAccount, encodeMuxedAccountToAddress, xdr } from '@stellar/stellar-sdk';
import { OPERATION_RULES } from '../../../sidecar/policy/operations.ts';
import type { Operation, OtherOperation } from '../../../sidecar/transaction.ts';
import { ISSUER } from '../transactions.ts';
import {
  ACCOUNT,
  buyOffer,
  CHANNEL,
  CUSTOMER,
  changeTrust,
  deletion,
  deposit,
  EURC_ID,
  offer,
  payment,
  RICH,
  swap,
  USDC_ID,
  verdict,
  withdrawal,
  XLM_EURC_POOL,
} from './fixtures.ts';

/** Every member of the protocol's OperationType, as the SDK's XDR has it. */
const PROTOCOL = [
  ...(xdr.OperationType.schema as unknown as { nameByValue: Map<number, string> }).nameByValue.values(),
];

const MUXED = encodeMuxedAccountToAddress(encodeMuxedAccount(ACCOUNT, '5'));
const CUSTOMER_MUXED = encodeMuxedAccountToAddress(encodeMuxedAccount(CUSTOMER, '5'));
const INT64_MAX = 2n ** 63n - 1n;
const price = (n: bigint, d: bigint) => ({ price: { n, d } });
const sellUsdc = { selling: USDC_ID, buying: 'XLM' };

/** What it is, the verdict (a field that begins with a point is of the operation), the operation. */
const CASES: [string, string, Operation][] = [
  // offers: 0.08 to 0.20 USDC per XLM, at most 1,000 XLM or 100 USDC
  ['selling the base at the lowest price', 'allowed', offer(price(8n, 100n))],
  ['a little below', 'price-out-of-collar .price', offer(price(7_999_999n, 100_000_000n))],
  ['selling the base at the highest price', 'allowed', offer(price(1n, 5n))],
  ['a little above', 'price-out-of-collar .price', offer(price(20_000_001n, 100_000_000n))],
  ['selling the quote at the highest price', 'allowed', offer({ ...sellUsdc, ...price(5n, 1n) })],
  [
    'selling the quote a little dearer',
    'price-out-of-collar .price',
    offer({ ...sellUsdc, ...price(499_999_999n, 100_000_000n) }),
  ],
  ['selling the quote at the lowest price', 'allowed', offer({ ...sellUsdc, ...price(25n, 2n) })],
  [
    'selling the quote a little cheaper',
    'price-out-of-collar .price',
    offer({ ...sellUsdc, ...price(1_250_000_001n, 100_000_000n) }),
  ],
  ['buying the base at the highest price', 'allowed', buyOffer(price(1n, 5n))],
  ['buying the base dearer', 'price-out-of-collar .price', buyOffer(price(20_000_001n, 100_000_000n))],
  ['buying the base cheaper', 'price-out-of-collar .price', buyOffer(price(7_999_999n, 100_000_000n))],
  [
    'buying the quote at the lowest price',
    'allowed',
    buyOffer({ selling: 'XLM', buying: USDC_ID, ...price(25n, 2n), amount: 8_000_000n }),
  ],
  [
    'buying the quote for more',
    'price-out-of-collar .price',
    buyOffer({ selling: 'XLM', buying: USDC_ID, ...price(1_250_000_001n, 100_000_000n) }),
  ],
  ['a price of 0', 'price-out-of-collar .price', offer(price(0n, 1n))],
  ['a price over 0', 'price-out-of-collar .price', offer(price(1n, 0n))],
  ['a price of two negative numbers', 'price-out-of-collar .price', offer(price(-1n, -10n))],
  ['the largest amount', 'allowed', offer({ amount: 10_000_000_000n })],
  ['a stroop more', 'amount-too-large .amount', offer({ amount: 10_000_000_001n })],
  ['the largest int64', 'amount-too-large .amount', offer({ amount: INT64_MAX })],
  ['a negative amount', 'operation-not-allowed .amount', offer({ amount: -1n, offerId: 7n })],
  ['no amount and no id', 'operation-not-allowed .amount', offer({ amount: 0n })],
  ['a negative id', 'operation-not-allowed .offerId', offer({ offerId: -1n })],
  [
    'buying as much as the largest amount pays',
    'allowed',
    buyOffer({ amount: 10_000_000_000n, ...price(1n, 10n) }),
  ],
  [
    'buying for a fraction of a stroop more',
    'amount-too-large .amount',
    buyOffer({ amount: 10_000_000_001n, ...price(1n, 10n) }),
  ],
  ['buying the largest int64', 'amount-too-large .amount', buyOffer({ amount: INT64_MAX })],
  ['an asset for itself', 'pair-not-allowed .buying', offer({ buying: 'XLM' })],
  ['a pair that no rule lists', 'pair-not-allowed .buying', offer({ buying: EURC_ID })],
  ['changing an offer', 'allowed', offer({ offerId: 7n })],
  ['deleting an offer', 'allowed', deletion()],
  [
    'deleting an offer of a pair that no rule lists',
    'allowed',
    deletion({ buying: EURC_ID, ...price(9n, 1n) }),
  ],
  ['deleting a buy offer', 'allowed', deletion({ type: 'manageBuyOffer' })],
  ['deleting at a price of 0, which no ledger takes', 'price-out-of-collar .price', deletion(price(0n, 1n))],
  // payments: 50 XLM to the customer
  ['the largest payment', 'allowed', payment({ amount: 500_000_000n })],
  ['a stroop more', 'amount-too-large', payment({ amount: 500_000_001n })],
  ['a payment of nothing', 'amount-too-large', payment({ amount: 0n })],
  ['a negative payment', 'amount-too-large', payment({ amount: -1n })],
  ['another asset', 'asset-not-allowed .asset', payment({ asset: USDC_ID })],
  ['another destination', 'destination-not-allowed .destination', payment({ destination: ISSUER })],
  [
    'a muxed form of the destination',
    'destination-not-allowed .destination',
    payment({ destination: CUSTOMER_MUXED }),
  ],
  ['the account itself', 'destination-not-allowed .destination', payment({ destination: ACCOUNT })],
  // path payments
  ['a swap', 'allowed', swap()],
  ['a strict receive', 'allowed', swap({ type: 'pathPaymentStrictReceive' })],
  ['nothing for nothing', 'price-out-of-collar', swap({ sendMax: 0n, destMin: 0n })],
  ['a swap paid to a customer', 'allowed', swap({ destination: CUSTOMER })],
  [
    'the same by strict receive',
    'allowed',
    swap({ destination: CUSTOMER, type: 'pathPaymentStrictReceive' }),
  ],
  [
    'more than a payment may be',
    'amount-too-large',
    swap({ destination: CUSTOMER, sendMax: 500_000_001n, destMin: 50_000_001n }),
  ],
  [
    'the sent asset of a payment that no rule lists',
    'asset-not-allowed .sendAsset',
    swap({ destination: CUSTOMER, sendAsset: USDC_ID, destAsset: 'XLM', sendMax: 10n, destMin: 100n }),
  ],
  ['a swap paid to a stranger', 'destination-not-allowed .destination', swap({ destination: ISSUER })],
  [
    'a swap paid to a muxed form of ourselves',
    'destination-not-allowed .destination',
    swap({ destination: MUXED }),
  ],
  [
    'a payment with a price outside the collar',
    'price-out-of-collar',
    swap({ destination: CUSTOMER, destMin: 1n }),
  ],
  [
    'a payment into a pair that no rule of swaps lists',
    'pair-not-allowed .destAsset',
    swap({ destination: CUSTOMER, destAsset: EURC_ID }),
  ],
  [
    'the same asset on both ends to a customer',
    'pair-not-allowed .destAsset',
    swap({ destination: CUSTOMER, destAsset: 'XLM', path: [USDC_ID] }),
  ],
  [
    'a foreign asset on the path',
    'pair-not-allowed .path[0]',
    swap({ type: 'pathPaymentStrictReceive', path: [EURC_ID] }),
  ],
  // pools: 0.08 to 0.20 USDC per XLM is 5 to 12.5 XLM per USDC
  [
    'a deposit at both ends of the collar',
    'allowed',
    deposit({ minPrice: { n: 5n, d: 1n }, maxPrice: { n: 25n, d: 2n } }),
  ],
  ['a minPrice below', 'price-out-of-collar .minPrice', deposit({ minPrice: { n: 499n, d: 100n } })],
  ['a maxPrice above', 'price-out-of-collar .maxPrice', deposit({ maxPrice: { n: 1251n, d: 100n } })],
  ['a minPrice of 0', 'price-out-of-collar .minPrice', deposit({ minPrice: { n: 0n, d: 1n } })],
  ['a minPrice of 0 over 0', 'price-out-of-collar .minPrice', deposit({ minPrice: { n: 0n, d: 0n } })],
  ['a maxPrice over 0', 'price-out-of-collar .maxPrice', deposit({ maxPrice: { n: 1n, d: 0n } })],
  ['a deposit in another pool', 'pair-not-allowed .poolId', deposit({ poolId: XLM_EURC_POOL })],
  ['the largest deposit', 'allowed', deposit({ maxAmountA: 10_000_000_000n, maxAmountB: 1_000_000_000n })],
  ['a stroop of A more', 'amount-too-large .maxAmountA', deposit({ maxAmountA: 10_000_000_001n })],
  ['a stroop of B more', 'amount-too-large .maxAmountB', deposit({ maxAmountB: 1_000_000_001n })],
  ['a deposit of nothing', 'operation-not-allowed .maxAmountA', deposit({ maxAmountA: 0n })],
  ['a negative deposit', 'operation-not-allowed .maxAmountB', deposit({ maxAmountB: -1n })],
  ['a withdrawal', 'allowed', withdrawal({ amount: INT64_MAX })],
  ['a withdrawal from another pool', 'pair-not-allowed .poolId', withdrawal({ poolId: XLM_EURC_POOL })],
  ['a withdrawal of nothing', 'operation-not-allowed .amount', withdrawal({ amount: 0n })],
  // lines
  ['a listed line', 'allowed', changeTrust()],
  ['a listed line to any limit', 'allowed', changeTrust({ limit: INT64_MAX })],
  ['a line closed', 'allowed', changeTrust({ limit: 0n })],
  ['a line that is not listed', 'asset-not-allowed .line', changeTrust({ line: { asset: USDC_ID } })],
  ['a line of XLM', 'asset-not-allowed .line', changeTrust({ line: { asset: 'XLM' } })],
  ['shares of a listed pool', 'allowed', changeTrust({ line: { pool: ['XLM', USDC_ID] } })],
  ['shares of another pool', 'pair-not-allowed .line', changeTrust({ line: { pool: ['XLM', EURC_ID] } })],
];

describe('signing policy: the operations of the protocol @security', () => {
  it('decides each of them by name, and no other', () => {
    assert.ok(PROTOCOL.length >= 27);
    assert.deepEqual(Object.keys(OPERATION_RULES).sort(), [...PROTOCOL].sort());
  });

  it('is tested here for each that has a rule, allowed and refused', () => {
    for (const [type, rule] of Object.entries(OPERATION_RULES)) {
      const verdicts = CASES.filter(([, , operation]) => operation.type === type).map(([, result]) => result);
      const isJudged = typeof rule !== 'string';
      assert.equal(verdicts.includes('allowed'), isJudged, type);
      assert.equal(
        verdicts.some((result) => result !== 'allowed'),
        isJudged,
        type,
      );
    }
  });

  for (const [name, expected, operation] of CASES)
    it(`${operation.type}: ${name}: ${expected}`, () => {
      const [code, field = ''] = expected.split(' ');
      const full = code === 'allowed' ? code : `${code} operations[1]${field}`;
      assert.equal(verdict({ operations: [swap(), operation] }, RICH), full);
      if (code === 'allowed')
        assert.equal(verdict({ operations: [swap(), operation] }, { ...RICH, ...reversed }), full);
    });

  /** The same pairs written the other way round, with the inverse of the price. */
  const turn = ({ pair, ...rest }: { pair: string[]; price: object }) => ({
    ...rest,
    pair: [...pair].reverse(),
    price: { min: '5', max: '12.5' },
  });
  const reversed = { offers: RICH.offers.map(turn), pools: RICH.pools.map(turn) };

  for (const [name, expected, operation] of CASES)
    it(`${operation.type} under pairs written in the other order: ${name}: ${expected}`, () => {
      assert.equal(
        verdict({ operations: [operation] }, { ...RICH, ...reversed }),
        verdict({ operations: [operation] }, RICH),
      );
    });

  it('takes neither rule of another kind for an operation', () => {
    const none: [Operation, string, string][] = [
      [offer(), 'offers', 'pair-not-allowed operations[0].buying'],
      [buyOffer(), 'offers', 'pair-not-allowed operations[0].buying'],
      [payment(), 'payments', 'asset-not-allowed operations[0].asset'],
      [deposit(), 'pools', 'pair-not-allowed operations[0].poolId'],
      [withdrawal(), 'pools', 'pair-not-allowed operations[0].poolId'],
      [changeTrust({ line: { pool: ['XLM', USDC_ID] } }), 'pools', 'pair-not-allowed operations[0].line'],
      [changeTrust(), 'trustlines', 'asset-not-allowed operations[0].line'],
      [swap(), 'swaps', 'pair-not-allowed operations[0].destAsset'],
      [swap({ destination: CUSTOMER }), 'payments', 'asset-not-allowed operations[0].sendAsset'],
    ];
    for (const [operation, list, expected] of none)
      assert.equal(verdict({ operations: [operation] }, { ...RICH, [list]: [] }), expected);
  });

  it('keeps an asset of the code XLM apart from XLM', () => {
    const fake = `XLM:${ISSUER}`;
    for (const operation of [
      offer({ selling: fake }),
      payment({ asset: fake }),
      swap({ sendAsset: fake }),
      changeTrust({ line: { asset: fake } }),
    ])
      assert.notEqual(verdict({ operations: [operation] }, RICH), 'allowed');
  });

  it('wants every rule that lists asset and destination to allow', () => {
    const [rule] = RICH.payments;
    const payments = [rule, { ...rule, maxAmount: '99999999' }];
    assert.equal(verdict({ operations: [payment()] }, { payments }), 'amount-too-large operations[0]');
    assert.equal(verdict({ operations: [payment({ amount: 99_999_999n })] }, { payments }), 'allowed');
  });

  for (const type of PROTOCOL.filter(
    (name) => typeof OPERATION_RULES[name as keyof typeof OPERATION_RULES] === 'string',
  ))
    it(`${type} is refused, whatever a policy lists`, () => {
      const operations = [{ type, source: undefined } as OtherOperation];
      assert.equal(verdict({ operations }, RICH), 'operation-not-allowed operations[0]');
    });

  it('refuses an operation that the table does not know', () => {
    for (const type of ['mintMoney', 'constructor', '__proto__']) {
      const operations = [{ type, source: undefined } as unknown as OtherOperation];
      assert.equal(verdict({ operations }), 'operation-not-allowed operations[0]');
    }
  });

  it('takes the account’s own operations alone, named where a channel gives the sequence number', () => {
    const from = (source: string | undefined) => ({ source: CHANNEL, operations: [swap({ source })] });
    assert.equal(verdict(from(ACCOUNT), RICH), 'allowed');
    for (const source of [undefined, CHANNEL, MUXED, ISSUER])
      assert.equal(verdict(from(source), RICH), 'wrong-source operations[0].source');
    assert.equal(
      verdict({ source: CHANNEL, operations: [deletion()] }, RICH),
      'wrong-source operations[0].source',
    );
    assert.equal(
      verdict({ operations: [deletion({ source: CHANNEL })] }, RICH),
      'wrong-source operations[0].source',
    );
  });
});
