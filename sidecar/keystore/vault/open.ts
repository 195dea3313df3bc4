import { readFileSync } from 'node:fs';
import { messageOf } from '../../../common/errors.ts';
import { sleep, withDeadline } from '../../../common/shutdown.ts';
import { type Keystore, keystoreFault } from '../keystore.ts';
import { probeMessage } from '../probe.ts';
import { createClient } from './client.ts';
import { type KeyVersion, publicKeyOf } from './key.ts';
import { logIn, type Session } from './login.ts';
import type { VaultOptions } from './options.ts';
import { createTransitKey } from './sign.ts';
import { createTransport, type Deadline } from './transport.ts';

export interface VaultModules {
  /** The pinned account's, 32 bytes. */
  publicKey: Buffer;
  /** Of one exchange; a signature has two attempts. */
  deadline?: Deadline;
  /** Milliseconds of a clock that is never set back. */
  now?: () => number;
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Vault answers in a few milliseconds. Both attempts of a signature fit into the deadlines of the socket and of the probe, so
 * that those say what is wrong and not only that it took long.
 */
const DEADLINE_MS = 1_500;

/**
 * An opener of the account's key in the transit engine of Vault or OpenBao, to be called again after a failure. Opening is:
 * log in, check the key, sign a probe.
 */
export function createVaultOpener(
  options: VaultOptions,
  {
    publicKey,
    deadline = (exchange) => withDeadline(DEADLINE_MS, exchange),
    now = () => performance.now(),
    sleep: wait = sleep,
  }: VaultModules,
): (signal: AbortSignal) => Promise<Keystore> {
  /** Nobody pins the audit key; what it was at first it must stay. */
  let auditPublicKey: Buffer | undefined;
  return async (signal) => {
    const { address, caFile } = options;
    const transport = createTransport({ address, ca: readCa(caFile), deadline, now });
    const modules = { createClient: () => createClient(options, transport), sleep: wait };
    let session: Session | undefined;
    try {
      session = await logIn(options.auth, modules, signal);
      const keystore = await openKeys(options, { publicKey, auditPublicKey }, session, transport, signal);
      auditPublicKey = keystore.audit?.publicKey;
      return keystore;
    } catch (error) {
      session?.close();
      await transport.close();
      throw error;
    }
  };
}

async function openKeys(
  { mount, key: name, keyVersion, auditKey }: VaultOptions,
  { publicKey, auditPublicKey }: { publicKey: Buffer; auditPublicKey: Buffer | undefined },
  session: Session,
  transport: { close(): Promise<void> },
  signal: AbortSignal,
): Promise<Keystore> {
  const trading = { mount, name, version: keyVersion };
  const account = await openKey(session, trading, signal, (found) => {
    if (!found.equals(publicKey))
      throw keystoreFault(
        'wrong-account',
        `version ${keyVersion} of the key ${name} of ${mount} is not the key of STELLAR_ACCOUNT`,
      );
  });
  const audit =
    auditKey &&
    (await openKey(session, { mount, ...auditKey }, signal, (found) => {
      if (found.equals(publicKey)) throw keystoreFault('key-unsafe', 'the audit key is the trading key');
      if (auditPublicKey?.equals(found) === false)
        throw keystoreFault('key-unsafe', 'the audit key is another one than before');
    }));
  return {
    publicKey,
    audit,
    sign: account.sign,
    async close() {
      await Promise.all([account.close(), audit?.close()]);
      session.close();
      await transport.close();
    },
  };
}

async function openKey(
  session: Session,
  key: KeyVersion,
  signal: AbortSignal,
  check: (publicKey: Buffer) => void,
) {
  const options = { what: `the key ${key.name} of ${key.mount}`, signal };
  const path = `${key.mount}/keys/${key.name}`;
  const found = publicKeyOf(await session.use<unknown>((client) => client.read(path, options)), key);
  check(found);
  const opened = createTransitKey(session, key, found);
  await opened.sign(probeMessage(), signal);
  return opened;
}

function readCa(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  } catch (cause) {
    throw keystoreFault('vault-unreachable', `cannot read caFile: ${messageOf(cause)}`, cause);
  }
}
