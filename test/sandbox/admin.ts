import type { IncomingMessage, RequestListener } from 'node:http';
import { StrKey } from '@stellar/stellar-sdk/base';
import { z } from 'zod';
import { formatAmount } from './amount.ts';
import type { ActiveFault, Faults } from './faults/registry.ts';
import { faultRequestSchema } from './faults/schema.ts';
import { type Friendbot, FriendbotProblem } from './friendbot.ts';
import { accounts, trustlinesOf } from './ledger/entries_of.ts';
import type { Network, Upgrade } from './network.ts';

export interface AdminOptions {
  network: Network;
  faults: Faults;
  /** Names of those that can have faults. */
  endpoints: readonly string[];
  friendbot: Friendbot;
  snapshot: () => unknown;
  /** Ends what waits for a ledger. */
  signal: AbortSignal;
  report: (error: unknown) => void;
}

/** What the request has wrong, for a 400. */
class BadInput extends Error {
  readonly field: string;
  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

/** @throws BadInput that names the first field at fault */
function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (!error) return data as T;
  const [issue] = error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  throw new BadInput([...(issue?.path ?? []), ...unknown].join('.') || 'body', issue?.message ?? 'invalid');
}

const closes = z.object({ n: z.coerce.number().int().min(1).max(1000).default(1) });
const funded = z.object({
  addr: z.string().refine((address) => StrKey.isValidEd25519PublicKey(address), 'no account address'),
});
const positive = z.coerce.number().int().min(1).max(0xffffffff);
const stroops = positive.transform(BigInt);
const upgrades = z.strictObject({
  maxTxSetSize: positive.optional(),
  baseFee: stroops.optional(),
  baseReserve: stroops.optional(),
});
const MAX_BODY = 100_000;

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_BODY) throw new BadInput('body', 'too long');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new BadInput('body', 'not JSON');
  }
}

const summary = (network: Network) => ({
  ledger: network.latest.sequence,
  hash: network.latest.hash,
  closeTime: network.latest.closeTime,
  paused: network.paused,
  pending: network.queue.pending().length,
});

const state = (network: Network) => ({
  ...summary(network),
  networkPassphrase: network.passphrase,
  accounts: accounts(network.state).map((account) => ({
    address: account.address,
    balance: formatAmount(account.balance),
    sequence: String(account.sequence),
    trustlines: trustlinesOf(network.state, account.address).map(({ asset, balance }) => ({
      asset,
      balance: formatAmount(balance),
    })),
  })),
});

/** Amounts as they are written in a request. */
const shown = ({ fault, ...active }: ActiveFault): unknown => ({
  ...active,
  fault: {
    ...fault,
    ...('balance' in fault && fault.balance !== undefined && { balance: formatAmount(fault.balance) }),
    ...('sequence' in fault && fault.sequence !== undefined && { sequence: String(fault.sequence) }),
  },
});

/** Control of a sandbox in tests, plain HTTP on loopback; bad input is a 400 that names the field. */
export function createAdmin(options: AdminOptions): RequestListener {
  const { network, faults, endpoints, friendbot, snapshot, signal, report } = options;

  type Action = (query: Record<string, string>, request: IncomingMessage) => unknown;
  const actions: Record<string, Action> = {
    'POST /close': (query) => {
      const { n } = read(closes, query);
      for (let i = 0; i < n; i += 1) network.close();
      return summary(network);
    },
    'POST /pause': () => {
      network.pause();
      return summary(network);
    },
    'POST /resume': () => {
      network.resume();
      return summary(network);
    },
    'POST /upgrade': (query) => {
      network.upgrade(read(upgrades, query) as Upgrade);
      return summary(network);
    },
    'GET /state': () => state(network),
    'GET /snapshot': snapshot,
    'POST /friendbot': async (query) => {
      const { transaction, ledger } = await friendbot.fund(read(funded, query).addr, signal);
      return { hash: transaction.hash, ledger };
    },
    'GET /faults': () => faults.list().map(shown),
    'POST /faults': async (_query, request) => {
      const asked = read(faultRequestSchema, await readJson(request));
      if (asked.endpoint !== undefined && !endpoints.includes(asked.endpoint))
        throw new BadInput('endpoint', `one of ${endpoints.join(', ')}`);
      return shown(faults.add(asked));
    },
    'DELETE /faults': () => ({ removed: faults.remove() }),
  };

  async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const [, id] = /^\/faults\/(\d+)$/.exec(pathname) ?? [];
    if (id !== undefined && request.method === 'DELETE') {
      const removed = faults.remove(id);
      return removed ? { status: 200, body: { removed } } : { status: 404, body: { error: 'no such fault' } };
    }
    const action = actions[`${request.method} ${pathname}`];
    if (!action) {
      const known = [...Object.keys(actions), 'DELETE /faults/{id}'];
      return { status: 404, body: { error: `one of ${known.join(', ')}` } };
    }
    return { status: 200, body: await action(Object.fromEntries(searchParams), request) };
  }

  return (request, response) => {
    answer(request)
      .catch((error: unknown) => {
        const { message } = error as Error;
        if (error instanceof BadInput) return { status: 400, body: { error: message, field: error.field } };
        if (error instanceof FriendbotProblem)
          return { status: 400, body: { error: message, field: 'addr' } };
        if (!signal.aborted) report(error);
        return { status: 500, body: { error: message } };
      })
      .then(({ status, body }) => {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(`${JSON.stringify(body)}\n`);
      })
      .catch(report);
  };
}
