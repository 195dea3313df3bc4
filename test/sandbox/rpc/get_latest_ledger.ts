import { ledgerCloseMetaXdr } from '../ledger/meta.ts';
import { method } from './method.ts';

export const getLatestLedger = method('getLatestLedger', {}, ({ network: { latest } }) => ({
  id: latest.hash,
  protocolVersion: latest.header.version,
  sequence: latest.sequence,
  closeTime: String(latest.closeTime),
  headerXdr: latest.headerXdr,
  metadataXdr: ledgerCloseMetaXdr(latest),
}));
