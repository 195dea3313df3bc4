import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { xdr } from '@stellar/stellar-sdk/base';

/** Of an enumeration of result codes: each name in SEP-51 JSON. */
function codesOf(enumeration: string): string[] {
  const type = (xdr as unknown as Record<string, Record<string, { name?: string; value: number }>>)[
    enumeration
  ]!;
  const read = (type as unknown as { fromXdr(bytes: Buffer): { toJson(): string } }).fromXdr.bind(type);
  const members = Object.getOwnPropertyNames(type).filter((name) => typeof type[name]?.value === 'number');
  return members.map((name) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(type[name]!.value);
    return read(bytes).toJson();
  });
}

const FROZEN = 'keys are frozen by a setting of the network (CAP-0077), which this ledger does not have';
const ISSUER_NEEDED = 'since protocol 13 nothing asks whether an issuer exists';
const BALANCES = 'comes of turning pool shares into claimable balances, which is refused by name';

/** Codes that no operation can come to at the newest protocol, each with its reason. */
const UNREACHABLE: Record<string, Record<string, string>> = {
  allow_trust: {
    trust_not_required: 'removed by protocol 16',
    self_not_allowed: 'malformed since protocol 16',
    low_reserve: BALANCES,
  },
  change_trust: { self_not_allowed: 'malformed since protocol 16' },
  liquidity_pool_deposit: { trustline_frozen: FROZEN },
  liquidity_pool_withdraw: { trustline_frozen: FROZEN },
  manage_data: { not_supported_yet: 'before protocol 2' },
  manage_buy_offer: { sell_no_issuer: ISSUER_NEEDED, buy_no_issuer: ISSUER_NEEDED },
  manage_sell_offer: { sell_no_issuer: ISSUER_NEEDED, buy_no_issuer: ISSUER_NEEDED },
  create_passive_sell_offer: {
    sell_no_issuer: ISSUER_NEEDED,
    buy_no_issuer: ISSUER_NEEDED,
    not_found: 'it never names an offer',
  },
  path_payment_strict_receive: { no_issuer: ISSUER_NEEDED },
  path_payment_strict_send: { no_issuer: ISSUER_NEEDED },
  payment: { no_issuer: ISSUER_NEEDED },
  set_trust_line_flags: { low_reserve: BALANCES },
  transaction: {
    tx_not_supported: 'fee bumps before protocol 13',
    tx_bad_sponsorship: 'no sponsorship',
    tx_soroban_invalid: 'Soroban is refused by name',
    tx_frozen_key_accessed: FROZEN,
  },
  operation: { op_too_many_sponsoring: 'no sponsorship' },
};

/** Where the enumeration is not named like the operation. */
const ENUMERATION: Record<string, string> = { create_passive_sell_offer: 'ManageSellOfferResultCode' };

const folder = new URL('./', import.meta.url);
const source = (file: string): string => readFileSync(new URL(file, folder), 'utf8');
const camel = (name: string): string =>
  name.replaceAll(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase());

/** What the tests of a file hold the ledger to: codes in `reaches` calls, and titles that begin with a code. */
const heldTo = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/(?:reaches\(\s*|it\(\s*)['"`](?:@security )?([a-z_]+)(?:'|:)/g)].map(
      ([, code]) => code!,
    ),
  );

const operations = [...source('operations.ts').matchAll(/^ {2}([a-z_]+)(?:: \w+)?,$/gm)].map(
  ([, name]) => name!,
);

describe('result codes', () => {
  it('knows every operation that the ledger has', () => {
    assert.equal(operations.length, 16);
  });

  for (const operation of operations) {
    it(`${operation}: each code is reached by a test, or cannot be reached`, () => {
      const codes = codesOf(ENUMERATION[operation] ?? `${camel(operation)}ResultCode`);
      assert.ok(codes.includes('success') && codes.length > 1);
      const tested = heldTo(source(`${operation}.test.ts`));
      const unreachable = Object.keys(UNREACHABLE[operation] ?? {});
      const open = codes.filter((code) => !tested.has(code) && !unreachable.includes(code));
      assert.deepEqual(open, []);
      assert.deepEqual(
        unreachable.filter((code) => !codes.includes(code) || tested.has(code)),
        [],
      );
    });
  }

  for (const [group, enumeration, inner] of [
    ['operation', 'OperationResultCode', 'op_inner'],
    ['transaction', 'TransactionResultCode', undefined],
  ] as const) {
    it(`${group}: each outer code is reached by a test, or cannot be reached`, () => {
      const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
      const tested = new Set(files.flatMap((file) => [...heldTo(source(file))]));
      const unreachable = Object.keys(UNREACHABLE[group]!);
      const open = codesOf(enumeration).filter(
        (code) => code !== inner && !tested.has(code) && !unreachable.includes(code),
      );
      assert.deepEqual(open, []);
      assert.deepEqual(
        unreachable.filter((code) => tested.has(code)),
        [],
      );
    });
  }
});
