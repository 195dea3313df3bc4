import { createHash } from 'node:crypto';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../../common/errors.ts';
import { sleep } from '../../common/shutdown.ts';
import { type Policy, signingPolicy } from './schema.ts';
import { readAs, readSource, type Source } from './source.ts';

/** A folder's policies as they were found, before anything is believed. */
interface Found {
  name: string;
  bytes: Buffer;
}

/** The policies in force: replaced as a whole, never changed. */
export interface PolicySet {
  /** Those that name the account, by name. */
  policies: readonly Policy[];
  /** Why the newest files are not in force; undefined when they are. */
  fault: string | undefined;
}

const MAX_FILE_BYTES = 1_048_576;
const DATA_LINK = '..data';
const stopping = z.object({ spec: z.object({ killSwitch: z.boolean(), accounts: z.array(z.unknown()) }) });

/**
 * Reads a folder of `*.yaml`, and what somebody may believe to be one. The kubelet swaps a whole ConfigMap by one symlink, `..data`: it is resolved once, so that
 * all files are of one version.
 */
async function readFolder(dir: string): Promise<Found[]> {
  const root = await realpath(join(dir, DATA_LINK)).catch(() => dir);
  const names = (await readdir(root)).filter((name) => /\.(ya?ml|json)$/i.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(root, name)) })));
}

/**
 * Reads policies and keeps those of `account`. One bad file refuses the whole set: without it, what is left might allow
 * more than all together.
 * @throws Error naming the file, the line and the field
 */
export function parsePolicies(files: readonly Found[], account: string): Policy[] {
  const odd = files.find(({ name }) => !name.endsWith('.yaml'));
  if (odd !== undefined) throw new Error(`${odd.name}: the name of a policy must end in .yaml`);
  const policies = files.map(({ name, bytes }) => parsePolicy(name, bytes).policy);
  const twice = policies.find((policy, i) => policies.findIndex(({ name }) => name === policy.name) !== i);
  if (twice !== undefined) throw new Error(`two files hold a policy named ${twice.name}`);
  return policies.filter(({ spec }) => spec.accounts.includes(account));
}

/**
 * Reads one file.
 * @throws Error naming the file, the line and the field
 */
export function parsePolicy(file: string, bytes: Buffer): { policy: Policy; source: Source } {
  if (bytes.length > MAX_FILE_BYTES) throw new Error(`${file}: larger than 1 MiB`);
  const { value, source } = readAs(file, bytes.toString('utf8'), signingPolicy);
  const { metadata, spec } = value;
  const policy = { name: metadata.name, hash: createHash('sha256').update(bytes).digest('hex'), spec };
  return { policy, source };
}

export interface PolicyStore {
  current(): PolicySet;
  /** Looks at the folder again; resolves when what is there is in force or was refused. */
  reload(): Promise<void>;
  /** Looks at the folder every `intervalMs` milliseconds until the signal is aborted. */
  watch(intervalMs: number, signal: AbortSignal): Promise<void>;
}

/**
 * Whether a file means to stop the account's signing, however bad the rest of it or of its neighbours is: an emergency
 * stop must not wait until somebody else's mistake is mended.
 */
function killsAnyway({ bytes }: Found, account: string): boolean {
  try {
    if (bytes.length > MAX_FILE_BYTES) return false;
    const { spec } = stopping.parse(readSource(bytes.toString('utf8')).value);
    return spec.killSwitch && spec.accounts.includes(account);
  } catch {
    return false;
  }
}

const withKillSwitch = (policies: readonly Policy[]): Policy[] =>
  policies.map((policy) => ({ ...policy, spec: { ...policy.spec, killSwitch: true } }));

/**
 * Keeps the policies of a folder. A bad set of files is refused as a whole, once, and the old one stays in force, save
 * for a kill switch in the new one, which counts at once; a folder that cannot be read is a bad set. When the last policy
 * of the account goes, those before stay with the kill switch on, so that a running signer still deletes offers. Before
 * the first good one nothing is allowed, since nothing says what a deletion may cost. It polls: what the kubelet does to a folder raises no event that could be relied on.
 */
export function createPolicyStore(
  dir: string,
  account: string,
  onChange: (set: PolicySet) => void,
): PolicyStore {
  let current: PolicySet = { policies: [], fault: 'the policies were not read yet' };
  let seen: string | undefined;

  const reload = async (): Promise<void> => {
    let files: Found[] | undefined;
    let next: PolicySet;
    try {
      files = await readFolder(dir);
      const policies = parsePolicies(files, account);
      const isGone = policies.length === 0 && current.policies.length > 0;
      next = isGone
        ? { policies: withKillSwitch(current.policies), fault: `no policy names ${account} any more` }
        : { policies, fault: undefined };
    } catch (error) {
      const isKilled = files?.some((file) => killsAnyway(file, account)) === true;
      const { policies } = current;
      next = { policies: isKilled ? withKillSwitch(policies) : policies, fault: messageOf(error) };
    }
    const fingerprint = files === undefined ? `fault ${next.fault}` : fingerprintOf(files);
    if (fingerprint === seen) return;
    seen = fingerprint;
    current = next;
    onChange(current);
  };

  return {
    current: () => current,
    reload,
    async watch(intervalMs, signal) {
      while (!signal.aborted) {
        await sleep(intervalMs, signal).catch(() => undefined);
        if (!signal.aborted) await reload();
      }
    },
  };
}

function fingerprintOf(files: readonly Found[]): string {
  const hash = createHash('sha256');
  for (const { name, bytes } of files) hash.update(`${name} ${bytes.length}\0`).update(bytes);
  return hash.digest('hex');
}
