import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { Agent } from 'undici';
import * as z from 'zod';
import type { StellarConnector } from './api/v1alpha1.gen.ts';
import { signerNames } from './certs/mint.ts';
import { ports } from './desired/names.ts';
import type { ConfigMap, Pod } from './kinds.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const journalId = z.string().regex(/^[-0-9A-Za-z]{1,64}$/);
const count = z.int().min(0);
const fault = z.string().max(1024).optional();

const report = z.object({
  policies: z.array(z.object({ name: z.string().max(253), hash })).max(256),
  policyFault: fault,
  keystore: z.object({ fault }),
  journal: z.object({
    fault,
    id: journalId.optional(),
    checkpoint: count.optional(),
    /** The record that it has read; absent in signers that do not tell. */
    expected: z.object({ id: journalId.optional() }).optional().catch(undefined),
    standing: z.enum(['unconfirmed', 'ready', 'waiting', 'full']).optional(),
  }),
});

/** What a signer says of itself at `/status`. */
export type SignerReport = z.infer<typeof report>;

/** Asks the signer of this pod; undefined when it cannot be reached or talks nonsense. */
export type AskSigner = (
  connector: StellarConnector,
  pod: Pod,
  root: string,
  signal: AbortSignal,
) => Promise<SignerReport | undefined>;

const DEADLINE_MS = 2_000;
const MAX_BODY = 256 * 1024;

/** Asks over TLS, verified by the root of the connector's own certificate set. */
export function createAskSigner(port: number = ports.signer): AskSigner {
  return async ({ metadata: { name, namespace } }, pod, root, signal) => {
    const ip = pod.status?.podIP;
    if (ip === undefined) return undefined;
    const servername = signerNames(name, namespace!)[0]!;
    const agent = new Agent({
      connections: 1,
      allowH2: false,
      maxResponseSize: MAX_BODY,
      connect: { ca: root, servername, timeout: DEADLINE_MS, minVersion: 'TLSv1.3' },
    });
    try {
      const { statusCode, body } = await agent.request({
        origin: `https://${isIPv6(ip) ? `[${ip}]` : ip}:${port}`,
        path: '/status',
        method: 'GET',
        signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
      });
      return statusCode === 200 ? report.parse(await body.json()) : undefined;
    } catch {
      // Why is the signer's or the network's to tell; all that counts here is that nothing is known.
      return undefined;
    } finally {
      await agent.destroy();
    }
  };
}

/** What the signer must load from this ConfigMap: names and SHA-256 of the files, as it reports them. */
export function mountedPolicies(policies: ConfigMap): { name: string; hash: string }[] {
  return Object.entries(policies.data ?? {})
    .map(([file, text]) => ({
      name: file.replace(/\.yaml$/, ''),
      hash: createHash('sha256').update(text).digest('hex'),
    }))
    .sort(byName);
}

/** One hash for a set of policies, for `status.policyHash`. */
export function setHash(policies: readonly { name: string; hash: string }[]): string {
  const lines = [...policies].sort(byName).map((one) => `${one.name} ${one.hash}\n`);
  return `sha256:${createHash('sha256').update(lines.join('')).digest('hex')}`;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
