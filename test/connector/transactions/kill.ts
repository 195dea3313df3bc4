import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isCoded } from '../../../common/errors.ts';
import { close, listen } from '../../../common/http.ts';
import { decodeResult } from '../../../connector/transactions/result.ts';
import { startNetwork } from '../../sandbox/network.ts';
import { decodeEnvelope } from '../software-signer.ts';
import type { ChildOptions } from './kill-orders.ts';
import { answerOf, createSigner, createWorld } from './rig.ts';

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url));
const SPEED = 15;
const text = (value: unknown): { text: string } => ({
  text: JSON.stringify(value ?? null, (_, it) => (typeof it === 'bigint' ? `${it}n` : it)),
});

export interface KillReport {
  kills: number;
  orders: number;
  applied: number;
  recovered: number;
  endings: Record<string, number>;
  /** What must not be: orders applied twice or lost, and where store and ledgers disagree. */
  wrong: string[];
}

/** Numbers from 0 to 1 that a seed gives, so that a run can be had again. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Kills a process with an engine again and again, at random moments, under faults: 504 that was and was not taken, answers
 * that are lost, slow ones, 429, ledgers that stand still for a while. Then compares what its store says of each order with what
 * the ledgers hold.
 */
export async function killRun({ kills, seed }: { kills: number; seed: number }): Promise<KillReport> {
  const roll = random(seed);
  const began = Date.now();
  const now = (): number => Math.floor(began + (Date.now() - began) * SPEED);
  const { market, channels } = createWorld(2, Math.floor(now() / 1_000));
  const network = startNetwork({ ...market, clock: now, closeMs: 5_000 / SPEED, retain: 1_000_000 });
  const signer = createSigner({ faults: {}, asked: [], time: { now } });
  const folder = mkdtempSync(join(tmpdir(), 'kill-'));
  const socket = join(folder, 'servers.sock');
  let faults = true;

  const head = () => ({
    ...{ sequence: network.latest.sequence, closedAt: network.latest.closeTime * 1_000 },
    ...{ baseFee: 100n, baseReserve: 5_000_000n },
  });
  async function submit(envelopeXdr: string, response: ServerResponse): Promise<void> {
    const fault = faults ? roll() : 1;
    if (fault < 0.08) return void response.writeHead(429).end();
    if (fault < 0.16) return void response.writeHead(504).end();
    if (fault < 0.2) await delay(roll() * 600);
    const answer = answerOf(network.submit(envelopeXdr));
    if (fault > 0.2 && fault < 0.28) return void response.writeHead(504).end();
    if (fault > 0.28 && fault < 0.36) return void response.destroy();
    if (fault > 0.36 && fault < 0.4) return;
    response.end(JSON.stringify(answer));
  }
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
    switch (request.url) {
      case '/head':
        return void response.end(JSON.stringify(text(head())));
      case '/account': {
        const { sequence } = network.state.account(body.id!)!;
        return void response.end(JSON.stringify(text({ sequence, balances: [] })));
      }
      case '/transaction': {
        if (faults && roll() < 0.1) return void response.writeHead(503).end();
        const seen = text(head());
        const it = network.transaction(body.hash!);
        const found = it && {
          ...{ ledger: it.ledger, resultXdr: it.resultXdr, envelopeXdr: it.transaction.envelopeXdr },
        };
        return void response.end(JSON.stringify({ head: seen, found }));
      }
      case '/submit':
        return submit(body.envelopeXdr!, response);
      case '/sign':
        try {
          const answer = await signer.sign(body.envelopeXdr!, '', new AbortController().signal);
          return void response.end(JSON.stringify(answer));
        } catch (error) {
          if (!isCoded(error)) throw error;
          return void response.writeHead(403).end(JSON.stringify({ field: error.field }));
        }
    }
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await listen(server, { path: socket });

  let output = '';
  const start = (finish: boolean): ChildProcess => {
    const options: ChildOptions = {
      folder: join(folder, 'state'),
      socket,
      began,
      speed: SPEED,
      channels,
      finish,
    };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => {
        output = (output + chunk).slice(-20_000);
      });
    return child;
  };
  const exit = (child: ChildProcess): Promise<number | null> =>
    child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve(child.exitCode)
      : new Promise((resolve) => child.once('exit', resolve));
  const ready = (child: ChildProcess): Promise<void> =>
    new Promise((resolve, reject) => {
      child.stdout!.once('data', () => resolve());
      child.once('exit', (code, signal) =>
        reject(new Error(`the process ended (${code} ${signal}): ${output}`)),
      );
    });

  let last: ChildProcess | undefined;
  try {
    for (let kill = 0; kill < kills; kill++) {
      last = start(false);
      await ready(last);
      if (roll() < 0.2) {
        network.pause();
        setTimeout(() => network.resume(), roll() * 1_500);
      }
      await delay(roll() * 1_200);
      last.kill('SIGKILL');
      await exit(last);
    }
    faults = false;
    network.resume();
    last = start(true);
    const deadline = AbortSignal.timeout(60_000);
    const gaveUp = new Promise<never>((_, reject) =>
      deadline.addEventListener('abort', () => reject(new Error(`it does not come to its end: ${output}`))),
    );
    const code = await Promise.race([exit(last), gaveUp]);
    if (code !== 0) throw new Error(`the last process ended with ${code}: ${output}`);
    return { kills, ...judge(join(folder, 'state', 'connector.db'), network.ledgers), ...logged(output) };
  } finally {
    last?.kill('SIGKILL');
    network.stop();
    await close(server, 0);
    rmSync(folder, { recursive: true, force: true });
  }
}

const logged = (output: string): object => {
  if (output.includes('unsaved')) throw new Error(output);
  return {};
};

interface Row {
  id: number;
  hash: string | null;
  told: string | null;
  state: string;
  kind: string | null;
  by: string | null;
}

/** Order by order: what the store says, and how often the ledgers have its amount. */
function judge(file: string, ledgers: ReturnType<typeof startNetwork>['ledgers']): Omit<KillReport, 'kills'> {
  const db = new DatabaseSync(file, { readOnly: true });
  const rows = db
    .prepare('SELECT o.*, e.kind, e.by FROM kill_orders o LEFT JOIN kill_endings e ON e.id = o.id')
    .all() as unknown as Row[];
  const pending = db.prepare('SELECT COUNT(*) AS n FROM transactions WHERE ended = 0').get() as { n: number };
  db.close();
  const times = new Map<number, number>();
  for (const { transaction, resultXdr } of ledgers.flatMap(({ transactions }) => transactions)) {
    if (!decodeResult(resultXdr)!.successful) continue;
    for (const { body } of decodeEnvelope(transaction.envelopeXdr).v1.tx.operations) {
      const id = body.type === 'payment' ? Number(body.paymentOp.amount) : 0;
      times.set(id, (times.get(id) ?? 0) + 1);
    }
  }
  const wrong: string[] = pending.n === 0 ? [] : [`${pending.n} transactions without an end`];
  const endings: Record<string, number> = {};
  for (const { id, hash, told, kind } of rows) {
    const applied = times.get(id) ?? 0;
    const name = kind ?? `not signed: ${told}`;
    endings[name] = (endings[name] ?? 0) + 1;
    if (applied > 1) wrong.push(`${id} was applied ${applied} times`);
    if ((kind === 'applied') !== (applied === 1))
      wrong.push(`${id} is ${name}, and was applied ${applied} times`);
    if (kind === null && hash !== null) wrong.push(`${id} was signed and has no ending`);
    if (told === 'applied' && kind !== 'applied') wrong.push(`${id} was told applied and is ${name}`);
    times.delete(id);
  }
  for (const id of times.keys()) wrong.push(`a ledger has ${id}, which nobody ordered`);
  return {
    orders: rows.length,
    applied: endings.applied ?? 0,
    recovered: rows.filter(({ by }) => by === 'recovered').length,
    endings,
    wrong,
  };
}
