import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority } from '../../../certificates.ts';
import type { OpenBao, TransitKey } from '../../openbao.ts';

/** The part of a Kubernetes API server that Vault's Kubernetes auth asks: whose token is this. */
export interface TokenReviewApi {
  /** Enables Kubernetes auth at a mount of its own, with a role for the service account `signer` in `trading`. */
  enable(bao: OpenBao, key: TransitKey): Promise<{ role: string; mount: string }>;
  /** A projected token of that service account, or of another. */
  jwt(account?: string, audience?: string): string;
  close(): Promise<void>;
}

const AUDIENCE = 'vault';
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export async function startTokenReview(): Promise<TokenReviewApi> {
  const authority = await createAuthority();
  const pem = await authority.issue({ names: ['127.0.0.1'], usage: 'server' });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issued = new Set<string>();
  const server = createServer({ cert: pem.cert, key: pem.key }, (req, res) => {
    let text = '';
    req.on('data', (chunk) => {
      text += chunk;
    });
    req.on('end', () => {
      const { token } = (JSON.parse(text) as { spec: { token: string } }).spec;
      const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string };
      const status = issued.has(token)
        ? {
            authenticated: true,
            user: { username: claims.sub, uid: 'uid-1', groups: [] },
            audiences: [AUDIENCE],
          }
        : { authenticated: false, error: 'unknown token' };
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status }));
    });
  });
  const jwt = (account = 'signer', audience = AUDIENCE): string => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'https://kubernetes.default.svc',
      sub: `system:serviceaccount:trading:${account}`,
      aud: [audience],
      iat: now - 10,
      nbf: now - 10,
      exp: now + 600,
      jti: String(issued.size),
      'kubernetes.io': { namespace: 'trading', serviceaccount: { name: account, uid: 'uid-1' } },
    };
    const signed = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const token = `${signed}.${signature.toString('base64url')}`;
    issued.add(token);
    return token;
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let mounts = 0;
  return {
    async enable(bao, key) {
      const mount = `kubernetes-${key.mount}-${++mounts}`;
      await bao.ok('POST', `sys/auth/${mount}`, { type: 'kubernetes' });
      await bao.ok('POST', `auth/${mount}/config`, {
        kubernetes_host: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
        kubernetes_ca_cert: authority.cert,
        token_reviewer_jwt: jwt('vault'),
        disable_local_ca_jwt: true,
      });
      await bao.ok('POST', `auth/${mount}/role/signer`, {
        bound_service_account_names: ['signer'],
        bound_service_account_namespaces: ['trading'],
        audience: AUDIENCE,
        token_policies: [key.policy],
        token_no_default_policy: true,
        token_ttl: '1h',
      });
      return { role: 'signer', mount };
    },
    jwt,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
