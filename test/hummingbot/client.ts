/** A stock client as a process of its own, with a home folder of its own, steered through test/hummingbot/drive.py. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  copyFileSync,
  createWriteStream,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';

/** Answers and events of the client, as it says them; asserted on by their readers. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Told = Record<string, any>;

export interface ClientOptions {
  /** Made anew; holds the client's configuration, certificates, data and log. */
  home: string;
  /** The client's Python. */
  python: string;
  host: string;
  port: number;
  certs: { ca: string; cert: string; key: string };
  password: string;
  chainNetwork: string;
  pair: string;
}

/**
 * The client takes the folder above its package for its home. So the package is laid into ours: its `__init__.py` as a
 * copy, everything else as links to the installed one.
 */
function layHome({ home, python, host, port, certs }: ClientOptions): void {
  rmSync(home, { recursive: true, force: true });
  for (const folder of ['hummingbot', 'conf/connectors', 'conf/strategies', 'certs', 'logs'])
    mkdirSync(join(home, folder), { recursive: true, mode: 0o700 });
  const installed = join(python, '../../lib/python3.12/site-packages/hummingbot');
  for (const entry of readdirSync(installed)) {
    if (entry === '__pycache__') continue;
    const lay = entry === '__init__.py' ? copyFileSync : symlinkSync;
    lay(join(installed, entry), join(home, 'hummingbot', entry));
  }
  const gateway = { gateway_api_host: host, gateway_api_port: String(port), gateway_use_ssl: true };
  writeFileSync(join(home, 'conf/conf_client.yml'), stringify({ gateway }));
  const files = { 'ca_cert.pem': certs.ca, 'client_cert.pem': certs.cert, 'client_key.pem': certs.key };
  for (const [name, pem] of Object.entries(files))
    writeFileSync(join(home, 'certs', name), pem, { mode: 0o600 });
}

/** A client that runs. */
export interface Client {
  /** Everything that it told of itself, oldest first. */
  readonly events: readonly Told[];
  /** Calls a method of one of its objects. @throws what it says that went wrong */
  // biome-ignore lint/suspicious/noExplicitAny: as Told
  call(on: 'connector' | 'gateway' | 'core', method: string, args?: Told): Promise<any>;
  /** The first event that fits, also one of the past. @throws after `ms` milliseconds */
  event(name: string, fits?: (event: Told) => boolean, ms?: number): Promise<Told>;
  stop(): Promise<void>;
}

/** Starts a client and waits until it has found the connector; its log is `home/client.log`. */
export async function startClient(options: ClientOptions): Promise<Client> {
  layHome(options);
  const { home, python, password, chainNetwork, pair } = options;
  const driver = join(import.meta.dirname, 'drive.py');
  const child: ChildProcess = spawn(python, [driver, home, chainNetwork, pair], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, CONFIG_PASSWORD: password, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stderr!.pipe(createWriteStream(join(home, 'client.log')));
  const events: Told[] = [];
  const waiting = new Map<number, { done(value: unknown): void; fail(error: Error): void }>();
  const news = new EventEmitter().setMaxListeners(0);
  createInterface(child.stdout!).on('line', (line) => {
    const told = JSON.parse(line) as Told;
    if (told.id === undefined) {
      events.push(told);
      news.emit('event', told);
      return;
    }
    const { done, fail } = waiting.get(told.id)!;
    waiting.delete(told.id);
    if (told.error === undefined) done(told.result);
    else fail(new Error(told.error));
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  void ended.then(() => {
    for (const { fail } of waiting.values()) fail(new Error(`the client ended; see ${home}/client.log`));
  });
  let calls = 0;
  const client: Client = {
    events,
    call: (on, method, args = {}) =>
      new Promise((done, fail) => {
        calls += 1;
        waiting.set(calls, { done, fail });
        child.stdin!.write(`${JSON.stringify({ id: calls, on, call: method, args })}\n`);
      }),
    async event(name, fits = () => true, ms = 60_000) {
      const signal = AbortSignal.timeout(ms);
      for (;;) {
        const found = events.find((event) => event.event === name && fits(event));
        if (found !== undefined) return found;
        try {
          await Promise.race([
            once(news, 'event', { signal }),
            ended.then(() => Promise.reject(new Error('it ended'))),
          ]);
        } catch (cause) {
          const heard = events.map(({ event }) => event).join(', ');
          throw new Error(`the client told no ${name} (only ${heard}); see ${home}/client.log`, { cause });
        }
      }
    },
    async stop() {
      child.stdin!.end();
      const kill = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(kill);
    },
  };
  try {
    await client.event('Started', undefined, 120_000);
  } catch (error) {
    await client.stop();
    throw error;
  }
  return client;
}
