import { X509Certificate } from 'node:crypto';
import type { StellarConnectorStatusCertificate as Certificate } from '../api/v1alpha1.gen.ts';
import { Stall } from '../errors.ts';
import { SECRETS, type Secret } from '../kinds.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { isStatus } from '../kube/errors.ts';
import type { ObjectMeta } from '../kube/resource.ts';
import { isDue, mint, secretNames, type TlsSecret } from './mint.ts';

/** What is known of a connector's certificates without reading a Secret. */
export interface Holding {
  /** One entry for each Secret that we made. */
  certificates: readonly Certificate[];
  /** The public root of the set that all of them belong to; undefined when they may belong to several. */
  root: string | undefined;
}

export interface Owner {
  uid: string;
  namespace: string;
  name: string;
  /** Labels and owner reference that the Secrets get. */
  metadata: Pick<ObjectMeta, 'labels' | 'ownerReferences'>;
}

export interface Keeper {
  /**
   * A complete set of certificates, made or replaced if need be. `live` is what status and ConfigMap say, believed
   * only if this process does not know better; `persist` stores the uids of new Secrets before anything else happens.
   * @throws Stall `SecretNameTaken`
   */
  ensure(
    owner: Owner,
    live: Holding,
    podReady: boolean,
    persist: (certificates: readonly Certificate[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ certificates: readonly Certificate[]; root: string }>;
  /** Drops what is remembered of a connector that is gone. */
  forget(uid: string): void;
}

/** How often a set is checked for a Secret that somebody deleted: a create that must answer 409. */
const CHECK_MS = { ready: 600_000, unready: 60_000 };

/**
 * Keeps the TLS Secrets of connectors with the right to create and update Secrets alone. The uid that a create
 * answers is the proof of ownership: each update carries it, and the API server refuses it for any other object.
 */
export function createKeeper(modules: { client: KubeClient; clock: Clock; now: () => Date }): Keeper {
  const { client, clock, now } = modules;
  const memory = new Map<string, Holding & { checkedAt: number }>();

  /** Names of Secrets that are not there. Nothing is stored by a dry run. */
  async function missing(owner: Owner, signal: AbortSignal): Promise<string[]> {
    const names: string[] = [];
    for (const name of Object.values(secretNames(owner.name))) {
      try {
        await client.create(SECRETS, secretOf(owner, { name, type: 'Opaque', data: {} }), signal, {
          dryRun: true,
        });
        names.push(name);
      } catch (error) {
        if (!isStatus(error, 409)) throw error;
      }
    }
    return names;
  }

  /** Writes one Secret; the answer is its uid. */
  async function write(
    owner: Owner,
    content: TlsSecret,
    uid: string | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const secret = secretOf(owner, content);
    try {
      if (uid !== undefined) {
        try {
          const metadata = { ...secret.metadata, uid };
          return (await client.update(SECRETS, { ...secret, metadata }, signal)).metadata.uid!;
        } catch (error) {
          if (!isStatus(error, 404)) throw error;
        }
      }
      return (await client.create(SECRETS, secret, signal)).metadata.uid!;
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      throw new Stall(
        'SecretNameTaken',
        `Secret ${owner.namespace}/${content.name} exists and was not made for this StellarConnector, or its uid was ` +
          `lost. Delete it (kubectl -n ${owner.namespace} delete secret ${content.name}) or use another name for the ` +
          'StellarConnector; it goes on within a minute.',
        error,
      );
    }
  }

  return {
    async ensure(owner, live, podReady, persist, signal) {
      const held = memory.get(owner.uid) ?? { ...believed(live), checkedAt: clock.now() };
      memory.set(owner.uid, held);
      const names = Object.values(secretNames(owner.name));
      const uidOf = (name: string): string | undefined =>
        held.certificates.find(({ secretName }) => secretName === name)?.uid;
      const whole = names.every((name) => uidOf(name) !== undefined);
      const due = held.certificates.some(({ notAfter }) => isDue(new Date(notAfter), now()));
      if (held.root !== undefined && whole && !due) {
        if (clock.now() - held.checkedAt < (podReady ? CHECK_MS.ready : CHECK_MS.unready))
          return { certificates: held.certificates, root: held.root };
        const gone = await missing(owner, signal);
        held.checkedAt = clock.now();
        if (gone.length === 0) return { certificates: held.certificates, root: held.root };
        held.certificates = held.certificates.filter(({ secretName }) => !gone.includes(secretName));
      }
      // From the first write on, the Secrets belong to two sets until the last one.
      held.root = undefined;
      const set = await mint(owner.name, owner.namespace, now());
      const notAfter = `${set.notAfter.toISOString().slice(0, 19)}Z`;
      // Announced before it is done: should we die in between, status and root disagree and all is made anew.
      held.certificates = held.certificates.map((certificate) => ({ ...certificate, notAfter }));
      if (held.certificates.length > 0) await persist(held.certificates);
      try {
        for (const content of set.secrets) {
          const uid = await write(owner, content, uidOf(content.name), signal);
          const others = held.certificates.filter(({ secretName }) => secretName !== content.name);
          held.certificates = [...others, { secretName: content.name, uid, notAfter }];
        }
      } finally {
        await persist(held.certificates);
      }
      held.root = set.root;
      held.checkedAt = clock.now();
      return { certificates: held.certificates, root: set.root };
    },
    forget: (uid) => {
      memory.delete(uid);
    },
  };
}

/** The root counts only if it ends with the certificates: else a set was replaced and its root not yet published. */
function believed({ certificates, root }: Holding): Holding {
  try {
    const end = new X509Certificate(root ?? '').validToDate.getTime();
    if (certificates.every(({ notAfter }) => Date.parse(notAfter) === end)) return { certificates, root };
  } catch {
    // Not a certificate: whatever stood there is no root of ours.
  }
  return { certificates, root: undefined };
}

function secretOf(owner: Owner, { name, type, data }: TlsSecret): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: owner.namespace, ...owner.metadata },
    type,
    data: Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    ),
  };
}
