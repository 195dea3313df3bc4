import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip, gunzipSync } from 'node:zlib';

/** A corpus of ledgers of a real stellar-core, as its README describes it. Amounts are stroops in decimal. */
export interface CorpusTransaction {
  hash: string;
  envelopeXdr: string;
  resultXdr: string;
  feeCharged: string;
}

export interface CorpusRejection {
  status: 'ERROR' | 'DUPLICATE' | 'TRY_AGAIN_LATER' | 'EXCEPTION';
  judgedAgainst: number;
  envelopeXdr: string;
  errorResultXdr?: string;
  code?: string;
}

export interface CorpusLedger {
  sequence: number;
  closeTime: number;
  baseFee: number;
  baseReserve: number;
  maxTxSetSize: number;
  protocolVersion: number;
  txSetResultHash: string;
  feePool: string;
  idPool: string;
  txSetComponents: { baseFee: string | number | null; transactions: number }[];
  transactions: CorpusTransaction[];
  rejectedSinceLastClose: CorpusRejection[];
}

export interface CorpusNetwork {
  networkPassphrase: string;
  genesis: { rootAccount: string; balance: string };
  lastLedger: number;
}

async function* lines(path: string): AsyncGenerator<string> {
  const input = createReadStream(path).pipe(createGunzip());
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;

export interface Corpus {
  network: CorpusNetwork;
  ledgers(): AsyncGenerator<CorpusLedger>;
  /** Base64 LedgerEntry of every entry after a ledger; undefined where the corpus has no such picture. */
  stateAfter(ledger: number): string[] | undefined;
}

/** @throws with the file's name where the folder is no corpus */
export async function openCorpus(folder: string): Promise<Corpus> {
  const network = await json<CorpusNetwork>(join(folder, 'network.json'));
  return {
    network,
    async *ledgers() {
      for await (const line of lines(join(folder, 'ledgers.jsonl.gz'))) {
        if (line !== '') yield JSON.parse(line) as CorpusLedger;
      }
    },
    stateAfter(ledger) {
      const checkpoint = join(folder, 'checkpoints', `state-${ledger}.jsonl.gz`);
      const path = ledger === network.lastLedger ? join(folder, 'final-state.jsonl.gz') : checkpoint;
      if (!existsSync(path)) return undefined;
      const text = gunzipSync(readFileSync(path)).toString('utf8').trim();
      return text.split('\n').map((line) => (JSON.parse(line) as { xdr: string }).xdr);
    },
  };
}
