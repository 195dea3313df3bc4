import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip, gunzipSync } from 'node:zlib';

/** A corpus of ledgers of a real stellar-core; its README gives the format. Amounts are stroops in decimal. */
export interface CorpusTransaction {
  hash: string;
  envelopeXdr: string;
  resultXdr: string;
}

export interface CorpusRejection {
  status: 'ERROR' | 'DUPLICATE' | 'TRY_AGAIN_LATER' | 'EXCEPTION';
  /** The last closed ledger when it was judged. */
  judgedAgainst: number;
  envelopeXdr: string;
  /** With ERROR. */
  errorResultXdr?: string;
}

export interface CorpusLedger {
  sequence: number;
  /** Unix seconds. */
  closeTime: number;
  /** The header after this ledger, its upgrades included. */
  baseFee: number;
  baseReserve: number;
  maxTxSetSize: number;
  protocolVersion: number;
  previousLedgerHash: string;
  txSetHash: string;
  txSetResultHash: string;
  feePool: string;
  idPool: string;
  /** The fee an operation that a component pays; null: each pays its bid. */
  txSetComponents: { baseFee: string | number | null; transactions: number }[];
  /** In the order of application. */
  transactions: CorpusTransaction[];
  rejectedSinceLastClose: CorpusRejection[];
}

export interface CorpusNetwork {
  networkPassphrase: string;
  genesis: { rootAccount: string; balance: string; sequence: string; ledger: number };
  lastLedger: number;
}

export interface Corpus {
  network: CorpusNetwork;
  ledgers(): AsyncGenerator<CorpusLedger>;
  /** The ledgers after which the corpus has a picture of every entry. */
  checkpoints: number[];
  /** Base64 LedgerEntry of every entry after a ledger; undefined where there is no such picture. */
  stateAfter(ledger: number): string[] | undefined;
}

/** @throws where the folder is no corpus, with the name of the file */
export function openCorpus(folder: string): Corpus {
  const network = JSON.parse(readFileSync(join(folder, 'network.json'), 'utf8')) as CorpusNetwork;
  const pictures = join(folder, 'checkpoints');
  const checkpoints = (existsSync(pictures) ? readdirSync(pictures) : []).flatMap((name) =>
    [...name.matchAll(/^state-(\d+)\.jsonl\.gz$/g)].map(([, ledger]) => Number(ledger)),
  );
  return {
    network,
    checkpoints: [...checkpoints, network.lastLedger].sort((a, b) => a - b),
    async *ledgers() {
      const input = createReadStream(join(folder, 'ledgers.jsonl.gz')).pipe(createGunzip());
      for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (line !== '') yield JSON.parse(line) as CorpusLedger;
      }
    },
    stateAfter(ledger) {
      const name = ledger === network.lastLedger ? 'final-state' : `checkpoints/state-${ledger}`;
      const path = join(folder, `${name}.jsonl.gz`);
      if (!existsSync(path)) return undefined;
      const lines = gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n');
      return lines.map((line) => (JSON.parse(line) as { xdr: string }).xdr);
    },
  };
}
