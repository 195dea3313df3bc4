import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { sleep } from '../../common/shutdown.ts';
import { watchText } from '../../common/watch-file.ts';
import type { ConnectorFile, Endpoint } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import { parseAddresses } from './addresses.ts';
import { createHorizonClient } from './horizon/client.ts';
import { createLedger } from './ledger.ts';
import { createRpcClient } from './rpc/client.ts';
import { createTransport, realClock, type Transport, type TransportEvents } from './transport.ts';
import type { Ledger } from './types.ts';

export interface OpenLedgerModules {
  metrics: Metrics;
  log: Logger;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
}

const FILES_EVERY_MS = 1_000;

/**
 * The ledger over the endpoints of the connector's file, each on a pinned transport of its own; what they tell goes to
 * metrics and log. Addresses are re-read from `addressesFile` until the signal; `repin` puts the pins of a changed file
 * in force, server by server, and nothing else of it.
 */
export function openLedger(
  file: ConnectorFile,
  addressesFile: string | undefined,
  { metrics, log, now, sleep: wait }: OpenLedgerModules,
  signal: AbortSignal,
): { ledger: Ledger; repin(changed: ConnectorFile): void } {
  const { account, channelAccounts, networkPassphrase, markets } = file;
  const clock = { ...realClock, sleep: wait };
  const verify = { networkPassphrase, own: { sources: [account, ...channelAccounts], signer: account } };
  const transports: Transport[] = [];
  const open = (endpoint: Endpoint): Transport => {
    const transport = createTransport(endpoint, transportEvents(metrics, log), clock);
    transports.push(transport);
    return transport;
  };
  const answered = (route: string, outcome: string): void => metrics.horizon.inc({ route, outcome });
  const horizon = file.horizon.endpoints.map((endpoint) =>
    createHorizonClient(verify, { transport: open(endpoint), events: { answered } }),
  );
  const rpc = (file.rpc?.endpoints ?? []).map((endpoint) =>
    createRpcClient(open(endpoint), verify, { answered }),
  );
  if (addressesFile !== undefined) {
    const handlers = {
      changed(text: string) {
        const addresses = parseAddresses(text);
        for (const transport of transports) transport.setAddresses(addresses);
        log.info({ addresses }, 'addresses in force');
      },
      failed: (error: unknown) => log.error({ event: 'addresses-refused' }, messageOf(error)),
    };
    watchText(addressesFile, FILES_EVERY_MS, handlers, signal);
  }
  const assets = [...new Set(markets.flatMap(({ base, quote }) => [base, quote]))];
  const ledger = createLedger(
    { ...{ horizon, rpc, quorum: file.horizon.quorum, networkPassphrase, assets } },
    {
      ...{ now, clock },
      events: {
        quarantined(url, reason) {
          metrics.quarantines.inc({ endpoint: url });
          log.error(
            { url, reason, event: 'quarantined' },
            'a server lied; it is not used until it agrees again',
          );
        },
        released: (url) => log.info({ url, event: 'released' }, 'a server agrees again and is used'),
        disputed(url, reason) {
          metrics.disputes.inc({ endpoint: url });
          log.error({ url, reason, event: 'disputed' }, 'two servers contradict each other');
        },
        untrusted(url, reason) {
          metrics.untrusted.inc({ what: url });
          log.warn({ url, reason, event: 'untrusted' }, 'an answer was not believed');
        },
      },
    },
  );
  return {
    ledger,
    repin(changed) {
      const endpoints = [...changed.horizon.endpoints, ...(changed.rpc?.endpoints ?? [])];
      for (const transport of transports) {
        const same = endpoints.find(({ url }) => url === transport.url);
        if (same !== undefined) transport.setPins(same.spkiPins);
      }
    },
  };
}

function transportEvents(metrics: Metrics, log: Logger): TransportEvents {
  return {
    pinMismatch(host) {
      metrics.pinMismatches.inc({ host });
      log.error({ host, event: 'pin-mismatch' }, 'the certificates of the server match no pin');
    },
    unknownHost(host) {
      metrics.unknownHosts.inc({ host });
      log.warn({ host, event: 'unknown-host' }, 'no address is given for the host; it is not dialled');
    },
    breaker(host, state) {
      if (state === 'open') metrics.breakers.inc({ host });
      log.warn({ host, state, event: 'breaker' }, 'the server failed repeatedly, or answers again');
    },
    dropped(host, reason, streams) {
      metrics.dropped.inc({ reason });
      log.info({ host, reason, streams, event: 'dropped' }, 'connections were dropped');
    },
  };
}
