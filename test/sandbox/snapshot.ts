import { xdr } from '@stellar/stellar-sdk/base';
import type { ClosedLedger } from './ledger/close.ts';
import { entryFromXdr, entryToXdr } from './ledger/entry_xdr.ts';
import { createState, type Header } from './ledger/state.ts';
import { type Network, type NetworkOptions, startNetwork } from './network.ts';
import type { SavedQueue } from './queue.ts';

/** A network at one ledger, as JSON: all that the ledgers after it hang on. */
interface Saved {
  passphrase: string;
  /** LedgerEntry, base64. */
  entries: string[];
  latest: Omit<ClosedLedger, 'header' | 'transactions'>;
  queue: SavedQueue;
}

/** A network as text; its history before the newest ledger and upgrades that are agreed for the next are left out. */
export function snapshot({ passphrase, state, latest, queue }: Network): string {
  const { header: _, transactions: __, ...rest } = latest;
  const entries = [...state.entries()].map((entry) => entryToXdr(entry).toXdr('base64'));
  const saved: Saved = { passphrase, entries, latest: rest, queue: queue.save() };
  return JSON.stringify(saved);
}

function readHeader(headerXdr: string): Header {
  const header = xdr.LedgerHeader.fromXdr(headerXdr, 'base64');
  return {
    sequence: header.ledgerSeq,
    closeTime: header.scpValue.closeTime,
    version: header.ledgerVersion,
    baseFee: BigInt(header.baseFee),
    baseReserve: BigInt(header.baseReserve),
    maxTxSetSize: header.maxTxSetSize,
    feePool: header.feePool,
    idPool: header.idPool,
  };
}

/** A network that goes on from a snapshot as the one that it was taken of. */
export function restore(
  text: string,
  options: Omit<NetworkOptions, 'state' | 'passphrase' | 'from'>,
): Network {
  const { passphrase, entries, latest, queue } = JSON.parse(text) as Saved;
  const header = readHeader(latest.headerXdr);
  const state = createState(header);
  for (const entry of entries) state.restore(entryFromXdr(entry));
  state.commit();
  return startNetwork({
    ...options,
    state,
    passphrase,
    from: { latest: { ...latest, header, transactions: [] }, queue },
  });
}
