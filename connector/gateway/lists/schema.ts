import { connectorError } from '../../errors.ts';

/** Tables of the gateway in the connector's store: what clients saved beyond what the StellarConnector lists. */
export const gatewaySchema = `
  CREATE TABLE IF NOT EXISTS gateway_tokens (address TEXT PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS gateway_pools (
    address TEXT PRIMARY KEY, base TEXT NOT NULL, quote TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS gateway_preferences (
    namespace TEXT NOT NULL, path TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (namespace, path)) STRICT`;

/** Tokens and pools that clients may save, of each. */
export const MAX_SAVED = 500;

/** @throws `invalid-params` when no more can be saved */
export function requireRoom(saved: number, what: 'tokens' | 'pools'): void {
  if (saved < MAX_SAVED) return;
  throw connectorError('invalid-params', `${MAX_SAVED} ${what} are saved, which is the most; delete some`);
}
