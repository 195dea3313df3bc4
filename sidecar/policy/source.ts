import { isMap, isPair, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type * as z from 'zod';
import { messageOf } from '../../common/errors.ts';

export type SourcePath = readonly PropertyKey[];

/** A YAML text and where in it everything stands. */
export interface Source {
  value: unknown;
  /** The line (from 1) of what a path names, or of what is nearest above it. */
  lineOf(path: SourcePath): number;
}

/**
 * Reads one YAML 1.2 document. Aliases are refused: a small text could stand for an immense one, and a reviewer would not
 * see what it says.
 * @throws Error with line and column
 */
export function readSource(text: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: 'core', lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return {
    value: document.toJS({ maxAliasCount: 0 }),
    lineOf: (path) => lines.linePos(offsetOf(document.contents, path)).line,
  };
}

/** Of a key, not of its value: a block's value begins on the next line. */
function offsetOf(root: Node | null, path: SourcePath): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const key of path) {
    const item = isMap(node)
      ? node.items.find((pair) => String(pair.key) === String(key))
      : isSeq(node)
        ? node.items[Number(key)]
        : undefined;
    if (item === undefined) return offset;
    const place = isPair(item) ? item.key : item;
    offset = (place as Node | null)?.range?.[0] ?? offset;
    node = isPair(item) ? item.value : item;
  }
  return offset;
}

/** `spec.swaps[0].price` */
export const dotted = (path: SourcePath): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}${text && '.'}${String(part)}`),
    '',
  );

/**
 * Reads a file of one document by a schema.
 * @throws Error naming the file, and line and field of all that is wrong in it
 */
export function readAs<Schema extends z.ZodType>(
  file: string,
  text: string,
  schema: Schema,
): { value: z.output<Schema>; source: Source } {
  let source: Source;
  try {
    source = readSource(text);
  } catch (cause) {
    throw new Error(`${file}: not YAML: ${messageOf(cause)}`);
  }
  const result = schema.safeParse(source.value);
  if (result.success) return { value: result.data, source };
  const issues = result.error.issues
    .flatMap(wrongOf)
    .map(({ path, message }) => ({ line: source.lineOf(path), text: `${dotted(path)}: ${message}` }))
    .sort((one, other) => one.line - other.line)
    .map(({ line, text: what }) => `line ${line}: ${what}`);
  throw new Error(`${file}: ${issues.join('; ')}`);
}

/** The library names what holds an unknown field, and speaks of types where somebody forgot a field or quotes. */
function wrongOf(issue: z.core.$ZodIssue): { path: SourcePath; message: string }[] {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is no field that is known here' }));
  if (message.endsWith('received undefined')) return [{ path, message: 'must be given' }];
  if (message.endsWith('expected string, received number'))
    return [{ path, message: 'must be a string: write it in quotes' }];
  return [{ path, message }];
}
