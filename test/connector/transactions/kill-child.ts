import { request } from 'node:http';
import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { messageOf } from '../../../common/errors.ts';
import { sleep } from '../../../common/shutdown.ts';
import { connectorError } from '../../../connector/errors.ts';
import { openState } from '../../../connector/state.ts';
import { createEngine } from '../../../connector/transactions/engine.ts';
import { transactionsSchema } from '../../../connector/transactions/records.ts';
import { decodeResult } from '../../../connector/transactions/result.ts';
import type { EngineEvents, EngineModules, Intent } from '../../../connector/transactions/types.ts';
import { maker, PASSPHRASE, trader } from '../../sandbox/testing.ts';
import { type ChildOptions, ordersSchema } from './kill-orders.ts';

/*
 * The process that is killed: an engine that is never without orders. Each order is a payment whose amount is its number,
 * so that the ledgers tell which were applied.
 */
const { folder, socket, began, speed, channels, finish } = JSON.parse(process.argv[2]!) as ChildOptions;
const now = (): number => Math.floor(began + (Date.now() - began) * speed);
const never = new AbortController().signal;

class Unsent extends Error {}

/** @throws Unsent when no connection stood; anything else when it broke or was cut */
const call = (path: string, body: unknown, signal: AbortSignal): Promise<{ status: number; json: never }> =>
  new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, path, method: 'POST', signal, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: answer.statusCode!, json: (text === '' ? null : JSON.parse(text)) as never });
      });
    });
    asked.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? new Unsent(error.message) : error),
    );
    asked.end(JSON.stringify(body));
  });

const read = async <T>(path: string, body: unknown, signal: AbortSignal): Promise<T> => {
  const { status, json } = await call(path, body, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw connectorError('ledger-unreachable', messageOf(cause));
  });
  if (status !== 200) throw connectorError('ledger-unreachable', `HTTP ${status}`);
  return json;
};

const bigints = (text: string): never =>
  JSON.parse(text, (_, it) =>
    typeof it === 'string' && /^\d+n$/.test(it) ? BigInt(it.slice(0, -1)) : it,
  ) as never;
const headOf = ({ text }: { text: string }): never => bigints(text);

const ledger: EngineModules['ledger'] = {
  head: async (signal) => headOf(await read('/head', {}, signal)),
  account: async (id, signal) => bigints((await read<{ text: string }>('/account', { id }, signal)).text),
  feeStatistics: async () => ({ baseFee: 100n, capacityUsage: 0, bids: { 90: 100n } }),
  async transaction(hash, signal) {
    const { head, found } = await read<{
      head: { text: string };
      found?: { ledger: number; resultXdr: string; envelopeXdr: string };
    }>('/transaction', { hash }, signal);
    if (found === undefined) return { absentAt: headOf(head) };
    return { found: { hash, ...found, result: decodeResult(found.resultXdr)! } };
  },
  async submit(envelopeXdr, signal) {
    try {
      const { status, json } = await call('/submit', { envelopeXdr }, signal);
      if (status === 429) return { kind: 'rate-limited', retryAfterMs: 1_000 };
      return status === 200 ? json : { kind: 'unknown', reason: `HTTP ${status}` };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Unsent) return { kind: 'unsent', cause: error };
      return { kind: 'unknown', reason: messageOf(error) };
    }
  },
  watchHeads({ event }, signal) {
    const poll = async (): Promise<void> => {
      for (let last = 0; ; ) {
        await sleep(50, signal);
        const head = await ledger.head(signal).catch(() => undefined);
        if (head === undefined || head.sequence === last) continue;
        last = head.sequence;
        event(head, '');
      }
    };
    poll().catch(() => undefined);
  },
};

const signer: EngineModules['signer'] = {
  async sign(envelopeXdr, _passphrase, signal) {
    const { status, json } = await call('/sign', { envelopeXdr }, signal);
    if (status === 200) return json;
    const { field } = json as { field: string };
    throw connectorError('signer-refused', `the signer refused (${field})`, { field });
  },
};

const state = openState(folder, [transactionsSchema, ordersSchema]);
const statements = {
  add: state.db.prepare("INSERT INTO kill_orders VALUES (?, NULL, NULL, 'new')"),
  signed: state.db.prepare('UPDATE kill_orders SET hash = ? WHERE id = ?'),
  // A second ending of one order breaks the constraint of the table, and this test.
  ended: state.db.prepare('INSERT INTO kill_endings VALUES (?, ?, ?)'),
  told: state.db.prepare('UPDATE kill_orders SET told = ?, state = ? WHERE id = ?'),
  open: state.db.prepare(
    "SELECT id FROM kill_orders WHERE state = 'new' AND id NOT IN (SELECT id FROM kill_endings)",
  ),
  next: state.db.prepare('SELECT COALESCE(MAX(id), 0) + 1 AS id FROM kill_orders'),
};
const events = new Proxy({} as EngineEvents, {
  get: (_, name) => (hash: string, error: unknown) => {
    if (name === 'unsaved') console.log(`unsaved ${hash} ${messageOf(error)}`);
  },
});
const engine = createEngine(
  {
    ...{ account: trader.publicKey(), channelAccounts: channels, networkPassphrase: PASSPHRASE, events },
    fees: {
      ...{ perOperation: 20_000n, perTransaction: 2_020_000n, percentile: 90 },
      ...{ maxOperations: 100, maxTimeBoundSeconds: 110 },
    },
    recovered: ({ id }, ending) => void statements.ended.run(Number(id), ending.kind, 'recovered'),
  },
  { ledger, signer, state, now, sleep: (ms, signal) => sleep(ms / speed, signal) },
);

const to = xdr.MuxedAccount.keyTypeEd25519(StrKey.decodeEd25519PublicKey(maker.publicKey()));
const order = (id: number): Intent => ({
  ...{ id: String(id), kind: 'payment', payload: { id }, lane: 'trade', shared: id % 7 !== 0 },
  plan: async () => {
    // One in ten asks for more than there is, and takes its batch down with it.
    const amount = BigInt(id) + (id % 10 === 0 ? 10n ** 15n : 0n);
    const payment = new xdr.PaymentOp({ destination: to, asset: xdr.Asset.assetTypeNative(), amount });
    return { operations: [xdr.OperationBody.payment(payment)], spends: new Map() };
  },
  signed: (hash) => void statements.signed.run(hash, id),
  ended: ({ kind }) => void statements.ended.run(id, kind, 'live'),
});

async function work(): Promise<void> {
  for (;;) {
    const { id } = statements.next.get() as { id: number };
    statements.add.run(id);
    await engine.run(order(id), never).then(
      () => statements.told.run('applied', 'told', id),
      (error: { code?: string }) => statements.told.run(error.code ?? messageOf(error), 'told', id),
    );
    await sleep(5, never);
  }
}

// What was begun and never signed for is over: nobody has it.
for (const { id } of statements.open.all() as { id: number }[]) {
  if (engine.intent(String(id)) === undefined) statements.told.run('never signed', 'abandoned', id);
}
engine.resume();
console.log('ready');
if (finish) {
  while (
    engine.load().inFlight > 0 ||
    (state.db.prepare('SELECT 1 FROM transactions WHERE ended = 0').get() ?? 0) !== 0
  ) {
    await sleep(20, never);
  }
  await engine.drain(0);
  state.close();
} else {
  await Promise.all(Array.from({ length: 8 }, work));
}
