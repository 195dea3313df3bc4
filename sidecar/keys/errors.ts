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

/** What a command exits with; 1 for all others. */
export const EXIT_CODES: Partial<Record<string, number>> = { usage: 2, 'secret-exposed': 2, aborted: 130 };

/** The message is shown: it holds names of files, tokens, keys and options, never anything that was typed or piped in. */
export const ceremonyError = (code: CeremonyErrorCode, message: string): CodedError<CeremonyErrorCode> =>
  new CodedError(code, message);
