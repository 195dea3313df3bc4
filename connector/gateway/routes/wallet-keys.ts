import type { RequestHandler } from 'express';
import { connectorError } from '../../errors.ts';

/** Every way of the Gateway contract to hand over, make, show, use or drop a key. */
export const KEY_PATHS = [
  '/wallet/add',
  '/wallet/create',
  '/wallet/remove',
  '/wallet/send',
  '/wallet/show-private-key',
];

/**
 * Refuses without looking: it stands before the body reader, so that a key sent here by mistake is never parsed,
 * logged or echoed.
 */
export const refuseKeys: RequestHandler = (_request, response, next) => {
  response.locals.route = '/wallet/*';
  next(
    connectorError(
      'keys-refused',
      'This connector takes and holds no keys: its account is the one of the signer, whose key stays in its HSM or ' +
        'Vault. Set the account in the StellarConnector. If you sent a private key, treat it as exposed.',
    ),
  );
};
