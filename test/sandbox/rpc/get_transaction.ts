import { rpcError } from './errors.ts';
import { checkFormat, ledgerRange, method } from './method.ts';
import { transactionDetails } from './transaction.ts';

/** @throws RpcError in the words of Go's encoding/hex */
function checkHash(hash: string): void {
  const { length } = Buffer.from(hash);
  if (Math.floor(length / 2) !== 32) throw rpcError('invalid_params', `unexpected hash length (${length})`);
  const [bad] = /[^0-9a-fA-F]/u.exec(hash) ?? [];
  if (bad === undefined && length === 64) return;
  const code = bad?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  const fault = bad === undefined ? 'odd length hex string' : `invalid byte: U+${code} '${bad}'`;
  throw rpcError('invalid_params', `incorrect hash: encoding/hex: ${fault}`);
}

/** One that waits, one that was dropped and one that never was look the same. */
export const getTransaction = method(
  'getTransaction',
  { hash: 'string', xdrFormat: 'string' },
  (context, { hash, xdrFormat }) => {
    checkFormat(xdrFormat);
    checkHash(hash);
    const applied = context.network.transaction(hash.toLowerCase());
    const range = ledgerRange(context);
    if (applied) {
      const details = transactionDetails(applied, hash, xdrFormat === 'json');
      return { ...range, ...details, createdAt: String(applied.closeTime) };
    }
    const nothing = { applicationOrder: 0, feeBump: false, events: {}, ledger: 0, createdAt: '0' };
    return { ...range, status: 'NOT_FOUND', txHash: hash, ...nothing };
  },
);
