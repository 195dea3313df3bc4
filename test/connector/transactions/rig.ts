import { createHash, createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { connectorError } from '../../../connector/errors.ts';
import type { LedgerHead, SubmitAnswer } from '../../../connector/ledger/types.ts';
import { toXdrAsset } from '../../../connector/market/asset.ts';
import { openState, type State } from '../../../connector/state.ts';
import { createEngine } from '../../../connector/transactions/engine.ts';
import { transactionsSchema } from '../../../connector/transactions/records.ts';
import { decodeResult } from '../../../connector/transactions/result.ts';
import type {
  Ending,
  Engine,
  EngineModules,
  EngineOptions,
  Intent,
  StoredIntent,
} from '../../../connector/transactions/types.ts';
import { resultToXdr, type TransactionResult } from '../../sandbox/ledger/result.ts';
import { type Network, type Submission, startNetwork } from '../../sandbox/network.ts';
import { createMarket } from '../../sandbox/scenario.ts';
import { book, issuer, keyOf, PASSPHRASE, START, scenario, trader } from '../../sandbox/testing.ts';
import { hashOf, signature } from '../software-signer.ts';
import { createSimulation, type Simulation } from './simulation.ts';

export const USDC = `USDC:${issuer.publicKey()}`;
export const UNIT = 10_000_000n;
export const never = new AbortController().signal;
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const key = {
  account: trader.publicKey(),
  privateKey: createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, trader.rawSecretKey()]),
    ...{ format: 'der', type: 'pkcs8' },
  }),
};

export interface Faults {
  /** In the place of what the server does with an envelope; undefined: as usual. */
  submit?: (
    envelopeXdr: string,
    pass: () => SubmitAnswer,
  ) => SubmitAnswer | Promise<SubmitAnswer> | undefined;
  /** Why the signer refuses. */
  refuse?: (envelope: xdr.TransactionEnvelope) => { code?: string; field: string; part?: string } | undefined;
  /** Changes the signer's envelope. */
  tamper?: (envelopeXdr: string) => string;
  /** Throws in the place of a lookup. */
  lookup?: () => void;
  read?: () => void;
  fees?: { capacityUsage: number; bid: bigint };
}

export interface Rig {
  time: Simulation;
  network: Network;
  state: State;
  engine: Engine;
  faults: Faults;
  /** Envelopes that were sent, and that the signer was asked for. */
  sent: string[];
  asked: xdr.TransactionEnvelope[];
  recovered: { intent: StoredIntent; ending: Ending }[];
  events: string[];
  channels: string[];
  modules: EngineModules;
  /** A process that starts anew over the same state, ledger and signer; the one before is only forgotten. */
  restart(change?: Partial<EngineOptions>): Engine;
  stop(): void;
}

export const refusal = (
  field: string,
  code: 'signer-refused' | 'rate-limited' = 'signer-refused',
  part?: string,
) => Object.assign(connectorError(code, `the signer refused (${field})`, { field }), { part });

/** Creates or deletes one offer each; a swap of one lumen. Ids are theirs. */
export const sell = (amount: bigint, offerId = 0n, price: [number, number] = [2, 1]): xdr.OperationBody =>
  xdr.OperationBody.manageSellOffer(
    new xdr.ManageSellOfferOp({
      selling: toXdrAsset('native'),
      buying: toXdrAsset(USDC),
      amount,
      price: new xdr.Price({ n: price[0], d: price[1] }),
      offerId,
    }),
  );

export const intentOf = (
  id: string,
  operations: xdr.OperationBody[],
  more: Partial<Intent> = {},
): Intent => ({
  ...{ id, kind: 'test', payload: { id }, lane: 'trade', shared: true },
  plan: async () => ({ operations, spends: new Map() }),
  ...more,
});

/** A market with our account and channels that only its key signs for. `at` in seconds since 1970. */
export function createWorld(count: number, at: number) {
  const channels = Array.from({ length: count }, (_, n) => keyOf(`channel-${n}`).publicKey());
  const plain = scenario(book);
  const accounts = channels.map((address) => ({
    name: address,
    address,
    balance: 100n * UNIT,
    trustlines: [],
  }));
  const market = createMarket({ ...plain, accounts: [...plain.accounts, ...accounts] }, at);
  for (const address of channels) {
    const account = market.state.account(address)!;
    market.state.put({
      ...account,
      thresholds: { ...account.thresholds, master: 0 },
      signers: [{ key: key.account, weight: 1 }],
      subentries: 1,
    });
  }
  market.state.commit();
  return { market, channels };
}

export function createRig(change: { channels?: number; options?: Partial<EngineOptions> } = {}): Rig {
  const time = createSimulation(START * 1_000);
  const { market, channels } = createWorld(change.channels ?? 0, START);
  const network = startNetwork({
    ...market,
    ...{ clock: time.now, closeMs: 5_000, every: time.every, retain: 1_000 },
  });
  const folder = mkdtempSync(join(tmpdir(), 'transactions-'));
  const rig = {
    time,
    network,
    faults: {},
    sent: [],
    asked: [],
    recovered: [],
    events: [],
    channels,
  } as unknown as Rig;
  rig.state = openState(folder, [transactionsSchema]);
  rig.modules = modulesOf(rig);
  rig.restart = (more = {}) => {
    rig.engine = createEngine({ ...optionsOf(rig), ...change.options, ...more }, rig.modules);
    return rig.engine;
  };
  rig.restart().resume();
  rig.stop = () => {
    network.stop();
    rig.state.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return rig;
}

function optionsOf(rig: Rig): EngineOptions {
  const { events } = rig;
  return {
    account: key.account,
    channelAccounts: rig.channels,
    networkPassphrase: PASSPHRASE,
    fees: {
      perOperation: 20_000n,
      perTransaction: 2_020_000n,
      percentile: 90,
      maxOperations: 100,
      maxTimeBoundSeconds: 110,
    },
    recovered: (intent, ending) => rig.recovered.push({ intent, ending }),
    events: {
      sending: (_hash, { source, operations, intents }) =>
        events.push(
          `sending ${operations} of ${intents} by ${source === key.account ? 'account' : 'channel'}`,
        ),
      answered: (_hash, event, answer) => events.push(`${event} ${answer}`),
      bumped: (_hash, outcome) => events.push(`bump ${outcome}`),
      ended: (_hash, outcome) => events.push(`ended ${outcome}`),
      held: (_source, reason) => events.push(`held ${reason}`),
      unsaved: (_hash, error) => events.push(`unsaved ${error}`),
    },
  };
}

function modulesOf(rig: Rig): EngineModules {
  const { network, faults, time } = rig;
  const head = (): LedgerHead => ({
    sequence: network.latest.sequence,
    closedAt: network.latest.closeTime * 1_000,
    baseFee: network.latest.header.baseFee,
    baseReserve: network.latest.header.baseReserve,
  });
  const found = (hash: string) => {
    const applied = network.transaction(hash);
    if (applied === undefined) return undefined;
    const { envelopeXdr } = applied.transaction;
    return { hash, ledger: applied.ledger, result: decodeResult(applied.resultXdr)!, envelopeXdr };
  };
  const take = (envelopeXdr: string): SubmitAnswer => answerOf(network.submit(envelopeXdr));
  return {
    now: time.now,
    sleep: time.sleep,
    state: rig.state,
    signer: createSigner(rig),
    ledger: {
      head: async () => head(),
      account: async (id) => {
        faults.read?.();
        const account = network.state.account(id);
        if (account === undefined) return undefined;
        const { sequence, subentries, sponsoring, sponsored } = account;
        return { sequence, subentries, sponsoring, sponsored, balances: [] } as never;
      },
      feeStatistics: async () => {
        const { capacityUsage = 0, bid = 100n } = faults.fees ?? {};
        return { baseFee: head().baseFee, capacityUsage, bids: { 90: bid } };
      },
      transaction: async (hash) => {
        const absentAt = head();
        faults.lookup?.();
        const one = found(hash);
        return one === undefined ? { absentAt } : { found: one };
      },
      submit: async (envelopeXdr, signal) => {
        rig.sent.push(envelopeXdr);
        const pass = (): SubmitAnswer => take(envelopeXdr);
        const answer = await (faults.submit?.(envelopeXdr, pass) ?? pass());
        signal.throwIfAborted();
        return answer;
      },
      watchHeads({ event }, signal) {
        const stop = network.onClose(() => event(head(), ''));
        signal.addEventListener('abort', stop, { once: true });
      },
    },
  };
}

export function answerOf(submission: Submission): SubmitAnswer {
  switch (submission.status) {
    case 'ERROR':
      return { kind: 'failed', resultXdr: resultXdrOf(submission.result) };
    case 'TRY_AGAIN_LATER':
      return { kind: 'try-again' };
    default:
      return { kind: 'queued' };
  }
}

const resultXdrOf = (result: TransactionResult): string => resultToXdr(result).toXdr('base64');

/** A signer that holds numbers as the real one does, and outlives what uses it. */
export function createSigner({
  faults,
  asked,
  time,
}: Pick<Rig, 'faults' | 'asked'> & { time: Pick<Simulation, 'now'> }): EngineModules['signer'] {
  const live = new Map<string, { hash: string; maxTime: number }>();
  return {
    async sign(envelopeXdr) {
      const envelope = xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64');
      asked.push(envelope);
      const refused = faults.refuse?.(envelope);
      if (refused) throw refusal(refused.field, (refused.code ?? 'signer-refused') as never, refused.part);
      if (envelope.type === 'envelopeTypeTx') {
        const { tx } = envelope.v1;
        const hash = hashOf(tx, PASSPHRASE);
        const name = Buffer.from(tx.sourceAccount.toXdr()).toString('hex') + tx.seqNum;
        const other = live.get(name);
        if (other && other.hash !== hash.toString('hex') && time.now() <= (other.maxTime + 60) * 1_000) {
          throw refusal('sequence-live');
        }
        const maxTime = tx.cond.type === 'precondTime' ? Number(tx.cond.timeBounds.maxTime) : 0;
        live.set(name, { hash: hash.toString('hex'), maxTime });
        const signed = new xdr.TransactionV1Envelope({ tx, signatures: [signature(hash, key)] });
        return {
          envelopeXdr: (faults.tamper ?? ((it) => it))(
            xdr.TransactionEnvelope.envelopeTypeTx(signed).toXdr('base64'),
          ),
          ...{ hash: hash.toString('hex'), signer: key.account },
        };
      }
      if (envelope.type !== 'envelopeTypeTxFeeBump') throw new Error(envelope.type);
      const { tx } = envelope.feeBump;
      const networkId = createHash('sha256').update(PASSPHRASE).digest();
      const payload = Buffer.concat([networkId, Buffer.from([0, 0, 0, 5]), Buffer.from(tx.toXdr())]);
      const hash = createHash('sha256').update(payload).digest();
      const signed = new xdr.FeeBumpTransactionEnvelope({ tx, signatures: [signature(hash, key)] });
      return {
        envelopeXdr: xdr.TransactionEnvelope.envelopeTypeTxFeeBump(signed).toXdr('base64'),
        ...{ hash: hash.toString('hex'), signer: key.account },
      };
    },
  };
}
