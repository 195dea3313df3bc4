import { messageOf } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { withDeadline } from '../common/shutdown.ts';
import { apiSchema } from './api/idempotency.ts';
import type { ConnectorFile, Environment } from './config.ts';
import type { Runtime } from './connector.ts';
import { gatewaySchema } from './gateway/lists/schema.ts';
import { openLedger } from './ledger/open.ts';
import { watchLimits } from './limits.ts';
import { formatAmount } from './market/amount.ts';
import { createMarketData } from './market/data.ts';
import { marketSchema } from './market/fills.ts';
import type { Metrics } from './metrics.ts';
import { createGuard } from './orders/guard.ts';
import { createOrders } from './orders/orders.ts';
import { createPools } from './orders/pools.ts';
import { ordersSchema } from './orders/store.ts';
import { createSwaps } from './orders/swap.ts';
import { createSigner } from './signing/client.ts';
import { openState } from './state.ts';
import { type ChannelFundsOptions, lookAtChannels } from './transactions/channel-funds.ts';
import { createEngine } from './transactions/engine.ts';
import { transactionsSchema } from './transactions/records.ts';
import type { EngineEvents } from './transactions/types.ts';

/** How often the funds of the channels are looked at, milliseconds. */
const CHANNELS_EVERY_MS = 600_000;

/** What trades, without who may ask for it: state, ledger, signer, markets, transactions, orders. */
export function openRooms(
  file: ConnectorFile,
  environment: Environment,
  runtime: Runtime & { metrics: Metrics },
  cut: AbortSignal,
) {
  const { log, now, sleep, metrics } = runtime;
  const { account, networkPassphrase, markets, trading } = file;
  const every = (ms: number, run: () => void): (() => void) => {
    const ended = new AbortController();
    const either = AbortSignal.any([ended.signal, cut]);
    const turn = (): void => {
      sleep(ms, either).then(
        () => {
          run();
          turn();
        },
        () => undefined,
      );
    };
    turn();
    return () => ended.abort();
  };

  const state = openState(environment.STATE_DIR, [
    ...[transactionsSchema, ordersSchema, marketSchema, gatewaySchema, apiSchema],
  ]);
  const { ledger, repin } = openLedger(file, environment.ADDRESSES_FILE, runtime, cut);
  const signer = createSigner(
    environment.SIGNER_SOCKET,
    { answered: (outcome) => metrics.signer.inc({ outcome }) },
    // Not the network's clock: what both ends of the socket have is the machine's.
    Date.now,
  );
  const limits = watchLimits(
    environment.LIMITS_FILE,
    file.fees,
    {
      changed: (next) => log.info({ event: 'limits', ...texts(next) }, 'limits of the policies in force'),
      failed: (reason) => log.error({ event: 'limits-refused', reason }, 'the limits file is not used'),
    },
    cut,
  );
  const market = createMarketData(
    {
      ...{ account, markets },
      events: {
        gap: (of, reason) => log.warn({ ...of, event: 'book-gap', reason }, 'a book was read anew'),
        failed: (reason) => log.warn({ event: 'fills', reason }, 'fills cannot be read'),
      },
    },
    { ledger, state, now, sleep },
  );
  const engine = createEngine(
    {
      ...{ account, channelAccounts: file.channelAccounts, networkPassphrase, fees: limits },
      dryRun: runtime.dryRun === true,
      recovered(intent, ending) {
        log.info({ intent: intent.id, kind: intent.kind, ending: ending.kind }, 'an order was resolved');
        if (intent.kind === 'orders') orders.recovered(intent, ending);
      },
      events: engineEvents(metrics, log),
    },
    { ledger, signer, state, now, sleep },
  );
  const orders = createOrders({ file, limits, state, engine, ledger, market, metrics, log, now, every });
  const swaps = createSwaps({
    ...{ account, nativeBuffer: trading.nativeBuffer, engine, market, now: () => performance.now() },
  });
  const pools = createPools({
    ...{ markets, nativeBuffer: trading.nativeBuffer, ledger, engine, account, sleep },
  });
  const guard = createGuard({ trading, orders, market, metrics, log, now, every });

  const channels: ChannelFundsOptions = {
    ...{ channels: file.channelAccounts, ledger, state, now },
    measured: (channel, left) => metrics.channelFunds.set({ account: channel }, Number(left) / 1e7),
    low(channel, left, need) {
      log.warn(
        { event: 'channel-low', account: channel, left: formatAmount(left), day: formatAmount(need) },
        'a channel account has less than the fees of a day: refill it',
      );
    },
    failed: (channel, reason) => log.warn({ account: channel, reason }, 'a channel account cannot be read'),
  };

  return {
    ...{ limits, state, ledger, repin, signer, market, engine, orders, swaps, pools, guard, every },
    start(): void {
      market.start(cut);
      orders.start();
      engine.resume();
      guard.start();
      const look = (): void => void lookAtChannels(channels, cut);
      look();
      every(CHANNELS_EVERY_MS, look);
    },
    /** Cancels the offers, then lets what is under way finish; both in milliseconds at most. */
    async stop({ cancelMs, finishMs }: { cancelMs: number; finishMs: number }): Promise<void> {
      const cancelling = withDeadline(cancelMs, (signal) => guard.shutdown(signal)).catch((error: unknown) =>
        log.error({ err: error, event: 'offers-left' }, 'the offers could not be cancelled'),
      );
      // A deletion that was signed just before the deadline is waited for as what else is under way, no longer.
      await Promise.race([cancelling, sleep(cancelMs, cut)]);
      await engine.drain(finishMs);
      await cancelling;
      guard.stop();
      orders.stop();
    },
  };
}

function engineEvents(metrics: Metrics, log: Logger): EngineEvents {
  return {
    sending(hash, { source, operations, intents, fee }) {
      metrics.batch.observe(operations);
      log.info({ hash, source, operations, intents, fee: String(fee), event: 'sending' }, 'transaction');
    },
    answered(hash, event, answer) {
      if (event === 'submitted') metrics.submissions.inc({ answer });
      if (answer === 'untrusted') metrics.untrusted.inc({ what: 'transaction' });
      log.info({ hash, event, answer }, 'transaction');
    },
    bumped(hash, outcome) {
      metrics.bumps.inc({ outcome });
      log.info({ hash, outcome, event: 'bumped' }, 'its fee was to be raised');
    },
    ended(hash, outcome, ledgers) {
      metrics.outcomes.inc({ outcome });
      if (ledgers !== undefined) metrics.inclusion.observe(ledgers);
      log.info({ hash, outcome, ledgers, event: 'settled' }, 'transaction settled');
    },
    held(source, reason, until) {
      metrics.held.inc({ reason });
      log.warn(
        { source, reason, until: new Date(until), event: 'sequence-held' },
        'an account is not used for a while',
      );
    },
    unsaved: (hash, error) => log.error({ hash, event: 'state-unwritable' }, messageOf(error)),
  };
}

const texts = (limits: object): object =>
  JSON.parse(JSON.stringify(limits, (_, it) => (typeof it === 'bigint' ? String(it) : it)));
