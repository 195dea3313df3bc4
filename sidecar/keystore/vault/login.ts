import * as z from 'zod';
import { readSecretFile } from '../../../common/config.ts';
import { isCoded, messageOf } from '../../../common/errors.ts';
import type { Secret } from '../../../common/secret.ts';
import { type KeystoreFaultCode, keystoreFault } from '../keystore.ts';
import type { VaultClient } from './client.ts';
import type { VaultAuth } from './options.ts';

/** A token and how long it lives, in milliseconds; 0 is for ever. */
interface Login {
  client: VaultClient;
  ttlMs: number;
  isRenewable: boolean;
}

export interface Session {
  /** Runs `work`. When Vault denies it: one fresh login, and once more. */
  use<Result>(work: (client: VaultClient) => Promise<Result>): Promise<Result>;
  /** Ends the renewals. */
  close(): void;
}

export interface SessionModules {
  createClient(): VaultClient;
  /** Rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** After a renewal or a login that failed though the token may still live. */
const RETRY_MS = 5_000;
/** No token lives so short that it is renewed more often. */
const MIN_WAIT_MS = 1_000;
/** A timer that is set for more than 24.8 days fires at once, and a token may live for years. */
const MAX_WAIT_MS = 86_400_000;

/**
 * Logs in and keeps the login: renewed at half its life; made anew when Vault gives less than half of the first life
 * (`token_max_ttl` is near) or denies. Tokens and what buys them are read from their files at every login.
 * @throws KeystoreFault `login-missing`, `login-refused`, and the transport's
 */
export async function logIn(
  auth: VaultAuth,
  { createClient, sleep }: SessionModules,
  signal: AbortSignal,
): Promise<Session> {
  let renewals = new AbortController();
  let pending: Promise<void> | undefined;
  let isClosed = false;

  const keepFresh = async ({ client, ttlMs, isRenewable }: Login, ended: AbortSignal): Promise<void> => {
    if (ttlMs === 0) return;
    let wait = ttlMs / 2;
    for (;;) {
      await sleep(Math.min(Math.max(wait, MIN_WAIT_MS), MAX_WAIT_MS), ended);
      try {
        const left = isRenewable ? await renew(client) : 0;
        if (left >= ttlMs / 2) wait = left / 2;
        else return await freshLogin();
      } catch {
        wait = RETRY_MS;
      }
    }
  };

  const adopt = (login: Login): Login => {
    renewals.abort();
    renewals = new AbortController();
    // It ends by being aborted, which is no fault.
    if (!isClosed) keepFresh(login, renewals.signal).catch(() => undefined);
    return login;
  };

  /** One at a time: who asks meanwhile waits for the same. */
  const freshLogin = (): Promise<void> => {
    pending ??= login(auth, createClient())
      .then((fresh) => {
        current = adopt(fresh);
      })
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };

  let current = adopt(await login(auth, createClient(), signal));

  return {
    async use(work) {
      const used = current;
      try {
        return await work(used.client);
      } catch (error) {
        if (!isCoded<KeystoreFaultCode>(error, 'vault-denied')) throw error;
      }
      if (current === used) await freshLogin();
      return work(current.client);
    },
    close() {
      isClosed = true;
      renewals.abort();
    },
  };
}

const granted = z.object({ auth: z.object({ lease_duration: z.number().min(0), renewable: z.boolean() }) });
const looked = z.object({
  data: z.object({ ttl: z.number().min(0), renewable: z.boolean().default(false) }),
});

/** One login with what the files hold now. */
async function login(auth: VaultAuth, client: VaultClient, signal?: AbortSignal): Promise<Login> {
  const options = (what: string) => ({
    requestOptions: { what, isLogin: true, ...(signal === undefined ? {} : { signal }) },
  });
  if ('tokenFile' in auth) {
    client.token = read(auth.tokenFile);
    const { ttl, renewable } = understood(
      looked,
      await client.tokenLookupSelf(options(`the token of ${auth.tokenFile}`)),
    ).data;
    return { client, ttlMs: ttl * 1000, isRenewable: renewable };
  }
  let answer: unknown;
  if ('kubernetes' in auth) {
    const { role, mount, jwtFile } = auth.kubernetes;
    // Without mount_point node-vault asks for a path that does not exist.
    answer = await client.kubernetesLogin({
      mount_point: mount,
      role,
      jwt: read(jwtFile),
      ...options(`the login of role ${role} at auth/${mount}`),
    });
  } else {
    const { roleId, roleIdFile, secretIdFile, mount } = auth.appRole;
    answer = await client.approleLogin({
      mount_point: mount,
      role_id: roleId ?? read(roleIdFile!),
      secret_id: read(secretIdFile),
      ...options(`the login at auth/${mount}`),
    });
  }
  const { lease_duration, renewable } = understood(granted, answer).auth;
  return { client, ttlMs: lease_duration * 1000, isRenewable: renewable };
}

/** @returns milliseconds that the token lives from now; 0 when Vault does not know it any more */
async function renew(client: VaultClient): Promise<number> {
  try {
    const answer = await client.tokenRenewSelf({ requestOptions: { what: 'the renewal of the token' } });
    return understood(granted, answer).auth.lease_duration * 1000;
  } catch (error) {
    if (isCoded<KeystoreFaultCode>(error, 'vault-denied')) return 0;
    throw error;
  }
}

/** node-vault takes strings: from here on the value cannot be erased. */
function read(file: string): string {
  let secret: Secret;
  try {
    secret = readSecretFile(file);
  } catch (cause) {
    throw keystoreFault('login-missing', messageOf(cause), cause);
  }
  const text = secret.reveal().toString();
  secret.erase();
  return text;
}

function understood<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.infer<Schema> {
  const result = schema.safeParse(answer);
  if (!result.success) throw keystoreFault('keystore-failed', 'the answer of Vault to the login is not one');
  return result.data;
}
