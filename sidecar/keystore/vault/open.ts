import { readFileSync } from 'node:fs';
import { messageOf } from '../../../common/errors.ts';
import { sleep } from '../../../common/shutdown.ts';
import { type Keystore, keystoreFault } from '../keystore.ts';
import { probeMessage } from '../probe.ts';
import { createClient } from './client.ts';
import { type KeyVersion, publicKeyOf } from './key.ts';
import { logIn, type Session } from './login.ts';
import { type VaultOptions, vaultOptions } from './options.ts';
import { createTransitKey } from './sign.ts';
import { createTransport } from './transport.ts';

export interface VaultModules {
  /** The pinned account's, 32 bytes. */
  publicKey: Buffer;
  /** Ends one exchange; a signature has two attempts. */
  deadline?: () => AbortSignal;
  now?: () => number;
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Vault answers in a few milliseconds; a change of its active node is waited for by whoever asked. */
const DEADLINE_MS = 2_000;

/**
 * An opener of the account's key in the transit engine of Vault or OpenBao, to be called again after a failure. Opening is:
 * log in, check the key, sign a probe.
 * @throws ZodError for options that are not `vaultOptions`
 */
export function createVaultOpener(
  options: VaultOptions,
  {
    publicKey,
    deadline = () => AbortSignal.timeout(DEADLINE_MS),
    now = Date.now,
    sleep: wait = sleep,
  }: VaultModules,
): (signal: AbortSignal) => Promise<Keystore> {
  const checked = vaultOptions.parse(options);
  return async (signal) => {
    const { address, caFile } = checked;
    const transport = createTransport({ address, ca: readCa(caFile), deadline, now });
    const modules = { createClient: () => createClient(checked, transport), sleep: wait };
    let session: Session | undefined;
    try {
      session = await logIn(checked.auth, modules, signal);
      return await openKeys(checked, publicKey, session, transport, signal);
    } catch (error) {
      session?.close();
      await transport.close();
      throw error;
    }
  };
}

async function openKeys(
  { mount, key: name, keyVersion, auditKey }: VaultOptions,
  publicKey: Buffer,
  session: Session,
  transport: { close(): Promise<void> },
  signal: AbortSignal,
): Promise<Keystore> {
  const open = async (version: KeyVersion, pinned?: Buffer) => {
    const found = await readPublicKey(session, version, signal);
    if (pinned?.equals(found) === false)
      throw keystoreFault(
        'wrong-account',
        `version ${version.version} of the key ${version.name} of ${mount} is not the key of STELLAR_ACCOUNT`,
      );
    const key = createTransitKey(session, version, found);
    await key.sign(probeMessage(), signal);
    return key;
  };
  const account = await open({ mount, name, version: keyVersion }, publicKey);
  const audit = auditKey && (await open({ mount, ...auditKey }));
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

async function readPublicKey(session: Session, key: KeyVersion, signal: AbortSignal): Promise<Buffer> {
  const options = { what: `the key ${key.name} of ${key.mount}`, signal };
  const answer: unknown = await session.use((client) =>
    client.read(`${key.mount}/keys/${key.name}`, options),
  );
  return publicKeyOf(answer, key);
}

function readCa(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  } catch (cause) {
    throw keystoreFault('vault-unreachable', `cannot read caFile: ${messageOf(cause)}`, cause);
  }
}
