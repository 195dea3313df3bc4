import { readFile } from 'node:fs/promises';
import type { Refusal } from '../check.ts';
import { parsePolicy } from '../load.ts';
import type { Policy } from '../schema.ts';
import { dotted, type Source } from '../source.ts';

/** A policy with the file that it stands in. */
export interface PolicyFile {
  file: string;
  policy: Policy;
  source: Source;
}

/**
 * Reads the policies of a command line.
 * @throws Error naming file, line and field, or two policies of one name
 */
export async function readPolicyFiles(names: readonly string[]): Promise<PolicyFile[]> {
  const files = await Promise.all(
    names.map(async (file) => ({ file, ...parsePolicy(file, await readFile(file)) })),
  );
  const twice = files.find(
    ({ policy }, i) => files.findIndex((one) => one.policy.name === policy.name) !== i,
  );
  if (twice !== undefined) throw new Error(`two files hold a policy named ${twice.policy.name}`);
  return files;
}

/** Who refused and where that is written: `p.yaml line 14 (spec.offers[0].price)`. */
export function placeOf({ policy: name, rule }: Refusal, files: readonly PolicyFile[]): string {
  const found = files.find(({ policy }) => policy.name === name);
  if (found === undefined) return 'the signer';
  if (rule === undefined) return `${found.file} (what no policy can allow)`;
  const path = ['spec', ...rule];
  return `${found.file} line ${found.source.lineOf(path)} (${dotted(path)})`;
}

/** `price-out-of-collar at operations[0].price: policy trading: …` */
export const reasonOf = ({ code, field, message }: Refusal): string =>
  `${code}${field === undefined ? '' : ` at ${field}`}: ${message}`;
