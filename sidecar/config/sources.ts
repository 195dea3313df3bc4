import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { CodedError, messageOf } from '../../common/errors.ts';
import { listOptions, variableOf } from './options.ts';

export type Env = Readonly<Record<string, string | undefined>>;
type Tree = { [name: string]: unknown };

/** What was given, before it is judged: a tree as in the YAML file, and where each option came from. */
export interface Given {
  tree: Tree;
  /** By the option's name: `STELLAR_ACCOUNT`, `account in signer.yaml` or `--init`. */
  origin: ReadonlyMap<string, string>;
  /** What is wrong already: unknown names, secrets given as values. */
  complaints: readonly string[];
}

export interface Sources {
  env: Env;
  /** The YAML file; without it that of STELLAR_CONFIG_FILE, if any. */
  file?: string | undefined;
  /** `--init`. */
  init?: boolean | undefined;
}

/** Names the file; every other STELLAR_ variable is an option. */
export const FILE_VARIABLE = 'STELLAR_CONFIG_FILE';

/**
 * Puts the sources together: the file, over it the variables, over both the flag.
 * @throws CodedError `config-invalid` for a file that cannot be read or is not YAML
 */
export function gather({ env, file = env[FILE_VARIABLE], init = false }: Sources): Given {
  const tree: Tree = file === undefined ? {} : readYaml(file);
  const origin = new Map<string, string>();
  const complaints = file === undefined ? [] : unknownFields(tree, file);
  const known = new Set([FILE_VARIABLE]);
  for (const { name, variable, isSecretFile } of listOptions()) {
    known.add(variable);
    if (file !== undefined && at(tree, name) !== undefined) origin.set(name, `${name} in ${file}`);
    if (env[variable] !== undefined && put(tree, name, env[variable])) origin.set(name, variable);
    if (isSecretFile === true) complaints.push(...secretsAsValues(tree, env, name));
  }
  if (init && put(tree, 'journal.init', true)) origin.set('journal.init', '--init');
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('STELLAR_') || env[variable] === undefined || known.has(variable)) continue;
    if (!complaints.some((line) => line.startsWith(`${variable}: `)))
      complaints.push(`${variable}: unknown variable; signer --help lists all`);
  }
  return { tree, origin, complaints };
}

/** The value at `journal.dir`; undefined when there is none. */
export function at(tree: unknown, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>((node, key) => (isTree(node) && Object.hasOwn(node, key) ? node[key] : undefined), tree);
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** False where the file has something else than a section: the schema complains of that. */
function put(tree: Tree, name: string, value: unknown): boolean {
  const keys = name.split('.');
  const last = keys.pop()!;
  let node = tree;
  for (const key of keys) {
    node[key] ??= {};
    const next = node[key];
    if (!isTree(next)) return false;
    node = next;
  }
  node[last] = value;
  return true;
}

/** Of `pkcs11.pinFile`: `STELLAR_PKCS11_PIN` and `pkcs11.pin` are refused, and this says why. */
function secretsAsValues(tree: Tree, env: Env, name: string): string[] {
  const value = name.replace(/File$/, '');
  const wrong = [];
  if (env[variableOf(value)] !== undefined)
    wrong.push(`${variableOf(value)}: a secret is never a value; give its file in ${variableOf(name)}`);
  if (at(tree, value) !== undefined)
    wrong.push(`${value}: a secret is never a value; give its file in ${name}`);
  return wrong;
}

/** Fields of the file that no option has, by their place. */
function unknownFields(tree: Tree, file: string): string[] {
  const names = listOptions().map(({ name }) => name);
  const walk = (node: Tree, prefix: string): string[] =>
    Object.entries(node).flatMap(([key, value]) => {
      const name = `${prefix}${key}`;
      if (names.includes(name) || names.includes(`${name}File`)) return [];
      if (!names.some((known) => known.startsWith(`${name}.`)))
        return [`${name} in ${file}: unknown field; signer config explain lists all`];
      return isTree(value) ? walk(value, `${name}.`) : [];
    });
  return walk(tree, '');
}

function readYaml(file: string): Tree {
  const refuse = (reason: string, cause?: unknown): CodedError =>
    new CodedError('config-invalid', `configuration refused:\n  ${file}: ${reason}`, { cause, field: file });
  let bytes: string;
  try {
    bytes = readFileSync(file, 'utf8');
  } catch (cause) {
    throw refuse(messageOf(cause), cause);
  }
  const document = parseDocument(bytes, { schema: 'core' });
  const [error] = [...document.errors, ...document.warnings];
  // Not its message, which quotes the text: that may hold what belongs into another file.
  if (error !== undefined)
    throw refuse(`line ${error.linePos?.[0].line} is not YAML that can be read (${error.code})`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 }) ?? {};
  } catch (cause) {
    throw refuse('aliases (*name) are not resolved: write the value out', cause);
  }
  if (!isTree(value)) throw refuse('must be a map of options');
  return value;
}
