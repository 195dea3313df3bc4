/**
 * `stellar-operator render`: the children of StellarConnectors as YAML, offline, for review in a pull request. The same
 * code as in the running operator decides and builds them. Two things are not here, since they are minted at run time:
 * the TLS Secrets, and with them the roots in the ConfigMap `<name>-trust`. Owner references lack as well: they need the
 * uid that the StellarConnector gets from the API server, which alone checks the CRD's CEL rules.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { messageOf } from '../common/errors.ts';
import { faultsOf, withDefaults } from './api/schema.ts';
import {
  type SigningPolicy,
  type StellarConnector,
  signingPolicySchema,
  stellarConnectorSchema,
} from './api/v1alpha1.gen.ts';
import { desiredChildren, type Facts } from './desired/index.ts';
import { childNames } from './desired/names.ts';
import { matchingPolicies } from './desired/policies.ts';
import { problemsOf } from './desired/problems.ts';
import type { KubeObject } from './kube/resource.ts';

const HELP = `stellar-operator render: prints the children of StellarConnectors as YAML, without a cluster.

  stellar-operator render -f FILE [-f FILE ...]

  -f, --filename FILE        YAML with StellarConnectors and SigningPolicies; - is standard input. Other kinds are skipped.
      --operator-namespace NAMESPACE   where the operator runs, as the NetworkPolicy names it (default stellar-system;
                             empty: outside the cluster)

Images come from STELLAR_CONNECTOR_IMAGE, STELLAR_SIGNER_IMAGE and STELLAR_IMAGE_PULL_POLICY, as for the operator.
Exit code 1: a connector cannot be carried out, or a file is wrong. 2: the command line is wrong.
`;

/** Where the ConfigMap of roots would have a certificate. */
const MINTED = 'minted by the operator at run time\n';

export interface Io {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  env: Readonly<Record<string, string | undefined>>;
}

/** Runs the command with the arguments after `render`; gives the exit code. */
export async function render(argv: readonly string[], { stdout, stderr, env }: Io): Promise<number> {
  const options = optionsOf(argv);
  if (typeof options === 'string') {
    stderr.write(`stellar-operator render: ${options}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    stdout.write(HELP);
    return 0;
  }
  const { found, faults } = readObjects(options.files);
  const connectors = found.filter((object) => object.kind === 'StellarConnector') as StellarConnector[];
  const policies = found.filter((object) => object.kind === 'SigningPolicy') as SigningPolicy[];
  if (faults.length === 0 && connectors.length === 0) faults.push('no StellarConnector in the given files');
  const texts: string[] = [];
  for (const connector of faults.length > 0 ? [] : connectors) {
    const applying = matchingPolicies(connector, policies);
    const problem = problemsOf(connector, applying, connectors);
    if (problem === undefined) {
      texts.push(
        textOf(connector, desiredChildren(connector, applying, factsOf(env, options.operatorNamespace))),
      );
    } else {
      faults.push(`${titleOf(connector)}: ${problem.reason}: ${problem.message}`);
    }
  }
  stdout.write(texts.join('---\n'));
  for (const fault of faults) stderr.write(`${fault}\n`);
  return faults.length === 0 ? 0 : 1;
}

interface Options {
  files: string[];
  help: boolean;
  operatorNamespace: string;
}

/** The options, or what is wrong with them. */
function optionsOf(argv: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        filename: { type: 'string', short: 'f', multiple: true, default: [] },
        'operator-namespace': { type: 'string', default: 'stellar-system' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.filename.length === 0 && !values.help) return 'give at least one file with -f';
    return { files: values.filename, help: values.help, operatorNamespace: values['operator-namespace'] };
  } catch (error) {
    return messageOf(error);
  }
}

function factsOf(env: Io['env'], operatorNamespace: string): Facts {
  const pullPolicy = env.STELLAR_IMAGE_PULL_POLICY;
  return {
    images: {
      connector: env.STELLAR_CONNECTOR_IMAGE ?? 'stellar-connector',
      signer: env.STELLAR_SIGNER_IMAGE ?? 'stellar-signer',
      pullPolicy: pullPolicy === 'Always' || pullPolicy === 'Never' ? pullPolicy : 'IfNotPresent',
    },
    publicRoots: MINTED,
    ...(operatorNamespace === '' ? {} : { operatorNamespace }),
  };
}

type Ours = StellarConnector | SigningPolicy;

/** The objects of our kinds with their defaults, and what is wrong with the files. */
function readObjects(files: readonly string[]): { found: Ours[]; faults: string[] } {
  const faults: string[] = [];
  const found = files.flatMap((file) => {
    try {
      return parseAllDocuments(readFileSync(file === '-' ? 0 : file, 'utf8')).flatMap((document) => {
        const [error] = document.errors;
        if (error !== undefined) throw error;
        return ourOwn(document.toJS());
      });
    } catch (error) {
      faults.push(`${file}: ${messageOf(error)}`);
      return [];
    }
  });
  for (const object of found) {
    const wrong = [...nameFaults(object), ...faultsOf(schemaOf(object), object.spec, 'spec')];
    faults.push(...wrong.map((fault) => `${titleOf(object)}: ${fault}`));
  }
  if (faults.length > 0) return { found: [], faults };
  return {
    found: found.map((object) => ({ ...object, spec: withDefaults(schemaOf(object), object.spec) }) as Ours),
    faults,
  };
}

function ourOwn(object: Partial<Ours> | null): Ours[] {
  const ours = object?.apiVersion === 'stellar-connector.io/v1alpha1';
  return ours && (object.kind === 'StellarConnector' || object.kind === 'SigningPolicy')
    ? [object as Ours]
    : [];
}

function nameFaults({ metadata }: Partial<Ours>): string[] {
  return typeof metadata?.name === 'string' ? [] : ['metadata.name is required'];
}

function schemaOf({ kind }: Ours) {
  return kind === 'StellarConnector' ? stellarConnectorSchema : signingPolicySchema;
}

function titleOf({ kind, metadata }: Ours): string {
  return `${kind} ${metadata?.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata?.name ?? '(no name)'}`;
}

function textOf(connector: StellarConnector, children: readonly KubeObject[]): string {
  const { serverTls, clientTls, signerTls } = childNames(connector.metadata.name);
  return [
    `# ${titleOf(connector)}\n# Minted at run time: Secrets ${serverTls}, ${clientTls} and ${signerTls}.\n`,
    children.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n'),
  ].join('');
}
