import { signerError } from '../errors.ts';

/** What no envelope of the protocol says; `detail` tells the client what. */
export const malformed = (detail: string, cause?: unknown): Error =>
  signerError('malformed-envelope', detail, { field: 'envelopeXdr', cause });
