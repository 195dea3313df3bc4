import { StrKey } from '@stellar/stellar-sdk/base';
import * as z from 'zod';
import { listenAddress, logLevel } from '../common/config.ts';

const path = z.string().startsWith('/', 'must be an absolute path');
const label = z.string().min(1).max(255);

/** The signer's `STELLAR_` variables. Secrets come as files only. */
export const configSchema = z
  .object({
    NETWORK_PASSPHRASE: z.string().min(1).max(256),
    ACCOUNT: z.string().refine((text) => StrKey.isValidEd25519PublicKey(text), 'must be an account (G…)'),
    SIGNER_SOCKET: path.max(107, 'must have at most 107 characters (unix socket)'),
    PKCS11_MODULE: path,
    PKCS11_TOKEN_LABEL: label.max(32).optional(),
    PKCS11_TOKEN_SERIAL: label.max(16).optional(),
    PKCS11_KEY_LABEL: label.optional(),
    PKCS11_KEY_ID: z
      .string()
      .regex(/^([0-9a-f]{2}){1,64}$/, 'must be lower-case hexadecimal')
      .optional(),
    PKCS11_PIN_FILE: path,
    POLICY_DIR: path,
    JOURNAL_DIR: path,
    HEALTH_ADDRESS: listenAddress.prefault('[::]:15889'),
    TLS_CERT_FILE: path,
    TLS_KEY_FILE: path,
    LOG_LEVEL: logLevel,
  })
  .refine((all) => (all.PKCS11_TOKEN_LABEL === undefined) !== (all.PKCS11_TOKEN_SERIAL === undefined), {
    path: ['PKCS11_TOKEN_LABEL'],
    message: 'exactly one of STELLAR_PKCS11_TOKEN_LABEL and STELLAR_PKCS11_TOKEN_SERIAL must be given',
  })
  .refine((all) => (all.PKCS11_KEY_LABEL === undefined) !== (all.PKCS11_KEY_ID === undefined), {
    path: ['PKCS11_KEY_LABEL'],
    message: 'exactly one of STELLAR_PKCS11_KEY_LABEL and STELLAR_PKCS11_KEY_ID must be given',
  });

export type SignerConfig = z.infer<typeof configSchema>;
