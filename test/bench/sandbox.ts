import { spawn } from 'node:child_process';
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Keypair, xdr } from '@stellar/stellar-sdk/base';
import { openCorpus } from '../sandbox/conformance/corpus.ts';
import { replay } from '../sandbox/conformance/replay.ts';
import { assetToJson } from '../sandbox/ledger/asset.ts';
import { newTrustline } from '../sandbox/ledger/change_trust.ts';
import { closeLedger, successful } from '../sandbox/ledger/close.ts';
import { newAccount, startingSequence } from '../sandbox/ledger/create_account.ts';
import { decodeEnvelope, sha256 } from '../sandbox/ledger/envelope.ts';
import { PROTOCOL_VERSION } from '../sandbox/ledger/header.ts';
import { createSignatureChecker } from '../sandbox/ledger/signatures.ts';
import { createState, type LedgerState } from '../sandbox/ledger/state.ts';
import { validate } from '../sandbox/ledger/validate.ts';
import { startNetwork } from '../sandbox/network.ts';

/**
 * Measures the sandbox: manage-offer operations a second on one core against what decoding and verifying alone take,
 * memory over many ledgers, time from start to "sandbox ready", and the replay of the corpus. It prints and never
 * fails on a figure: machines differ.
 */
const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '10000' },
    ledgers: { type: 'string', default: '10000' },
  },
});
const OPERATIONS = Number(values.operations);
const LEDGERS = Number(values.ledgers);
/** The aim of operations a second, and of milliseconds to start. */
const AIM = 5_000;
const START_AIM = 1_000;
const PER_LEDGER = 1_000;
const RETAIN = 1_000;
/** Seconds after which the measure of memory stops, however far it got. */
const PATIENCE = 30;
const PASSPHRASE = 'Sandbox Bench';
const START = 1_800_000_000;
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

interface Trader {
  address: string;
  hint: string;
  key: KeyObject;
  sequence: bigint;
}

function traderOf(index: number): Trader {
  const seed = sha256(`bench ${index}`);
  const pair = Keypair.fromRawEd25519Seed(seed);
  return {
    address: pair.publicKey(),
    hint: Buffer.from(pair.rawPublicKey()).subarray(28).toString('hex'),
    key: createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' }),
    sequence: startingSequence(1),
  };
}

const issuer = traderOf(-1);
const USD = `USD:${issuer.address}`;

/** A ledger whose traders hold lumens and USD. */
function createLedger(traders: readonly Trader[]): LedgerState {
  const state = createState({
    sequence: 1,
    closeTime: BigInt(START),
    version: PROTOCOL_VERSION,
    baseFee: 100n,
    baseReserve: 5_000_000n,
    maxTxSetSize: PER_LEDGER,
    feePool: 0n,
    idPool: 0n,
  });
  for (const { address } of [issuer, ...traders]) {
    state.put({ ...newAccount(address, 10n ** 14n, 1), subentries: address === issuer.address ? 0 : 1 });
  }
  for (const { address: owner } of traders) {
    state.put({ ...newTrustline(owner, USD), balance: 10n ** 14n });
  }
  state.commit();
  return state;
}

/**
 * A mix as on a market: traders with an even number sell lumens, the others buy them, near one price, so that most
 * offers rest at first and many cross.
 */
function offer(side: number, step: number): unknown {
  const [selling, buying] = side % 2 === 0 ? ['native', USD] : [USD, 'native'];
  const spread = (step * 7919) % 41;
  return {
    source_account: null,
    body: {
      manage_sell_offer: {
        selling: assetToJson(selling!),
        buying: assetToJson(buying!),
        amount: String(1_000_000 + ((step * 104_729) % 5_000_000)),
        price: { n: 995 + spread, d: 1000 },
        offer_id: '0',
      },
    },
  };
}

/** A signed envelope of so many offers. */
function envelopeOf(trader: Trader, side: number, step: number, operations: number): string {
  trader.sequence += 1n;
  const tx = {
    source_account: trader.address,
    fee: 100 * operations,
    seq_num: String(trader.sequence),
    cond: 'none',
    memo: 'none',
    operations: Array.from({ length: operations }, (_, index) => offer(side, step + index)),
    ext: 'v0',
  };
  const encode = (signatures: unknown[]): string =>
    xdr.TransactionEnvelope.fromJson({ tx: { tx, signatures } } as never).toXdr('base64');
  const hash = Buffer.from(decodeEnvelope(encode([]), PASSPHRASE).hash, 'hex');
  return encode([{ hint: trader.hint, signature: sign(null, hash, trader.key).toString('hex') }]);
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Seconds of processor time that `work` takes: what one core needs, however busy the machine is. */
function cost(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const rate = (value: number): string => Math.round(value).toLocaleString('en');

/** Operations a second, applied as a node does and, as a ceiling, only decoded and verified. */
function measureOffers(perTransaction: number): void {
  const traders = Array.from({ length: 200 }, (_, index) => traderOf(index));
  const envelopes = Array.from({ length: Math.ceil(OPERATIONS / perTransaction) }, (_, index) =>
    envelopeOf(traders[index % traders.length]!, index, index * perTransaction, perTransaction),
  );
  const count = envelopes.length * perTransaction;

  let good = 0;
  const verify = cost(() => {
    for (const text of envelopes) {
      const { innerHash, signatures, source } = decodeEnvelope(text, PASSPHRASE);
      if (createSignatureChecker(innerHash, signatures).reaches([{ key: source, weight: 1 }], 1)) good += 1;
    }
  });
  if (good !== envelopes.length) throw new Error('a signature of the bench is not good');

  const state = createLedger(traders);
  let hash = '0'.repeat(64);
  let succeeded = 0;
  let rejected = 0;
  const step = Math.max(1, PER_LEDGER / perTransaction);
  const whole = cost(() => {
    for (let index = 0; index < envelopes.length; index += step) {
      const texts = envelopes.slice(index, index + step);
      const transactions = texts.map((text) => decodeEnvelope(text, PASSPHRASE));
      // Of one account there are several in a ledger here: only its first can be judged by the queue's rules.
      const seen = new Set<string>();
      for (const transaction of transactions) {
        if (!seen.has(transaction.source) && validate(state, transaction, 10n)) rejected += 1;
        seen.add(transaction.source);
      }
      const closed = closeLedger(state, hash, transactions, START + 5 * index, 100n);
      hash = closed.hash;
      succeeded += successful(closed).length;
    }
  });
  const [applied, ceiling] = [count / whole, count / verify];
  if (rejected > 0 || succeeded !== envelopes.length) {
    throw new Error(
      `${rejected} rejected, ${envelopes.length - succeeded} failed: the bench measured nothing`,
    );
  }
  const resting = state.book('native', USD).length + state.book(USD, 'native').length;
  console.log(
    `offers, ${perTransaction} a transaction: ${rate(applied)} operations/s (${(applied / AIM).toFixed(2)} of the aim of ${rate(AIM)}); decoding and verifying alone ${rate(ceiling)}/s, so applying is ${Math.round((100 * applied) / ceiling)} % of that ceiling; ${count - resting} of ${count} offers traded, ${resting} rest`,
  );
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

function memory(): { heap: number; rss: number } {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

/** Closes ledgers of one offer each, that takes the one before, and compares memory when full with memory at the end. */
function measureMemory(): void {
  if (!globalThis.gc) console.log('memory: without --expose-gc these figures hold garbage, too');
  const traders = [traderOf(0), traderOf(1)];
  let now = START * 1000;
  const network = startNetwork({
    state: createLedger(traders),
    passphrase: PASSPHRASE,
    clock: () => now,
    closeMs: 1000,
    retain: RETAIN,
    every: () => () => {},
  });
  const full = Math.min(RETAIN, LEDGERS);
  let atFull = memory();
  const start = performance.now();
  let ledger = 0;
  while (ledger < LEDGERS && seconds(start) < PATIENCE) {
    ledger += 1;
    const { status } = network.submit(envelopeOf(traders[ledger % 2]!, ledger % 2, 0, 1));
    if (status !== 'PENDING') throw new Error(`ledger ${ledger}: ${status}`);
    now += 1000;
    network.close();
    if (ledger === full) atFull = memory();
  }
  const took = seconds(start);
  const atEnd = memory();
  network.stop();
  console.log(
    `memory, ${RETAIN} ledgers kept: heap ${megabytes(atFull.heap)} after ${rate(full)} ledgers, ${megabytes(atEnd.heap)} after ${rate(ledger)} (×${(atEnd.heap / atFull.heap).toFixed(2)}); resident ${megabytes(atFull.rss)}, ${megabytes(atEnd.rss)}; ${rate(ledger / took)} ledgers/s with signing and submission`,
  );
}

/** Milliseconds until a process says that it is ready. */
async function startOnce(stateDir: string): Promise<number> {
  const main = resolve(import.meta.dirname, '../sandbox/main.ts');
  const since = performance.now();
  const child = spawn(process.execPath, [main, '--state-dir', stateDir, '--account', issuer.address], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 30_000,
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  let ready: number | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('sandbox ready')) continue;
    ready = performance.now() - since;
    child.kill('SIGTERM');
  }
  await ended;
  if (ready === undefined) throw new Error('the sandbox did not get ready');
  return ready;
}

async function measureStart(): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'sandbox-bench-'));
  try {
    const first = await startOnce(stateDir);
    const again = [await startOnce(stateDir), await startOnce(stateDir), await startOnce(stateDir)];
    const best = Math.min(...again);
    console.log(
      `start: ${Math.round(first)} ms until ready with new certificates, ${Math.round(best)} ms at best with old ones (${(best / START_AIM).toFixed(2)} of the aim of ${rate(START_AIM)} ms)`,
    );
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function measureReplay(): Promise<void> {
  const folder = resolve(import.meta.dirname, '../fixtures/ledgers/corpus');
  const start = performance.now();
  const corpus = openCorpus(folder);
  const { transactions, differences } = await replay({
    corpus,
    from: undefined,
    to: undefined,
    progress: () => {},
  });
  const took = seconds(start);
  console.log(
    `replay: ${transactions} transactions in ${took.toFixed(1)} s, ${rate(transactions / took)}/s, ${differences.length} differences`,
  );
}

console.log(
  `node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}; rates of offers by processor time`,
);
measureOffers(1);
measureOffers(100);
await measureReplay();
await measureStart();
measureMemory();
