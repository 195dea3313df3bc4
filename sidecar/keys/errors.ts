import { CodedError } from '../../common/errors.ts';

export type CeremonyErrorCode =
  | 'usage'
  /** A secret may have been given where other processes and users see it. */
  | 'secret-exposed'
  | 'not-a-terminal'
  | 'not-confirmed'
  | 'aborted'
  | 'mnemonic-invalid'
  | 'passphrase-invalid'
  | 'key-exists'
  | 'account-mismatch'
  | 'signature-invalid'
  | 'signer-running'
  | 'vault-refused';

/** The message is shown: it holds names of files, tokens, keys and options, never anything that was typed or piped in. */
export const ceremonyError = (code: CeremonyErrorCode, message: string): CodedError<CeremonyErrorCode> =>
  new CodedError(code, message);
