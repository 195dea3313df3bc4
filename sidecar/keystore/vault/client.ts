import createNodeVault from 'node-vault';
import { Secret } from '../../../common/secret.ts';
import { keystoreFault } from '../keystore.ts';
import type { VaultOptions } from './options.ts';
import type { Transport } from './transport.ts';

const TOKEN = /^[!-~]+$/;

export type VaultClient = ReturnType<typeof createNodeVault>;

/**
 * A client of node-vault that has not logged in. Nothing of the environment (VAULT_TOKEN, VAULT_NAMESPACE, VAULT_PREFIX,
 * DEBUG …) reaches it, and its token is kept so that neither logs nor JSON nor util.inspect show it.
 */
export function createClient(
  { address, namespace }: Pick<VaultOptions, 'address' | 'namespace'>,
  transport: Pick<Transport, 'request'>,
): VaultClient {
  const client = createNodeVault({
    endpoint: address,
    'request-promise': { defaults: () => transport.request },
    debug: () => undefined,
  });
  let token: Secret | undefined;
  Object.defineProperty(client, 'token', {
    get: () => token?.reveal().toString(),
    // node-vault sets it after a login.
    set: (value: unknown) => {
      // It becomes a header, and neither Vault's answer nor a file is trusted to be one.
      if (typeof value !== 'string' || !TOKEN.test(value))
        throw keystoreFault(
          'login-refused',
          'the token of Vault is not one: printable characters on one line are expected, of tokenFile or of the login',
        );
      token = new Secret(Buffer.from(value));
    },
    enumerable: false,
  });
  return Object.assign(client, { namespace, pathPrefix: '' });
}
