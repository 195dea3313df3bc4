/** The API server as these tests need it: every answer, good or bad, with its whole body. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { loadAccess } from '../../operator/kube/access.ts';
import { clusterAccess } from '../cluster/access.ts';

interface Cause {
  field?: string;
  message: string;
}

export interface Answer {
  status: number;
  /** An object, or the API's `Status` with what it refused and where. */
  body: Record<string, unknown> & { message?: string; details?: { causes?: Cause[] } };
}

export interface RawApi {
  send(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
  close(): Promise<void>;
}

/** Talks to the test cluster as its administrator; PATCH is server-side apply. */
export async function connect(): Promise<RawApi> {
  const { server, tls, authorization } = await loadAccess(clusterAccess(), {});
  const dispatcher = new Agent({ connect: tls });
  const token = await authorization(false);
  return {
    async send(method, path, body) {
      const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
      const answer = await request(`${server}${path}`, {
        dispatcher,
        method,
        headers: {
          accept: 'application/json',
          'content-type': type,
          ...(token ? { authorization: token } : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      // A group that is not served yet is answered in plain text.
      const isJson = String(answer.headers['content-type']).startsWith('application/json');
      return { status: answer.statusCode, body: isJson ? JSON.parse(text) : { message: text } };
    },
    close: () => dispatcher.close(),
  };
}

/** Applies the CRDs of `crds/` and waits until both kinds are served. */
export async function installCrds(api: RawApi): Promise<void> {
  for (const plural of ['signingpolicies', 'stellarconnectors']) {
    const crd = parse(readFileSync(`crds/${plural}.yaml`, 'utf8')) as unknown;
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.stellar-connector.io`;
    const { status, body } = await api.send('PATCH', `${path}?fieldManager=test&force=true`, crd);
    if (status >= 300) throw new Error(`${plural}: ${body.message}`);
    const deadline = performance.now() + 10_000;
    while ((await api.send('GET', `/apis/stellar-connector.io/v1alpha1/${plural}`)).status !== 200) {
      if (performance.now() > deadline) throw new Error(`${plural} is not served after 10 s`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Makes a namespace of its own for a test file; gives its name. */
export async function makeNamespace(api: RawApi, prefix: string): Promise<string> {
  const metadata = { generateName: `${prefix}-` };
  const { status, body } = await api.send('POST', '/api/v1/namespaces', { metadata });
  if (status !== 201) throw new Error(`no namespace: ${body.message}`);
  return (body as unknown as { metadata: { name: string } }).metadata.name;
}
