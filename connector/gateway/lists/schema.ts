/** Tables of the gateway in the connector's store: what clients saved beyond what the StellarConnector lists. */
export const gatewaySchema = `
  CREATE TABLE IF NOT EXISTS gateway_tokens (address TEXT PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS gateway_pools (
    address TEXT PRIMARY KEY, base TEXT NOT NULL, quote TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS gateway_preferences (
    namespace TEXT NOT NULL, path TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (namespace, path)) STRICT`;

/** Tokens and pools that clients may save, of each. */
export const MAX_SAVED = 500;
