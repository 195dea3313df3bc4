/** The parts of Kubernetes' objects that decide NetworkPolicy. */
export interface Meta {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  creationTimestamp?: string;
}

export interface Pod {
  metadata: Meta;
  spec: {
    hostNetwork?: boolean;
    containers?: { ports?: ContainerPort[] }[];
    initContainers?: { ports?: ContainerPort[]; restartPolicy?: string }[];
  };
  status?: { phase?: string; podIPs?: { ip: string }[] };
}

export interface ContainerPort {
  name?: string;
  containerPort: number;
  protocol?: string;
}

export interface Namespace {
  metadata: Meta;
}

export interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
}

export interface PolicyPort {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

export interface NetworkPolicy {
  metadata: Meta;
  spec: {
    podSelector?: Selector;
    policyTypes?: string[];
    ingress?: { from?: Peer[]; ports?: PolicyPort[] }[];
    egress?: { to?: Peer[]; ports?: PolicyPort[] }[];
  };
}

/** All that the engine knows at one moment. */
export interface Facts {
  pods: readonly Pod[];
  namespaces: readonly Namespace[];
  policies: readonly NetworkPolicy[];
}

/** A policy says something that this engine does not carry out; named, never guessed. */
export class UnsupportedPolicy extends Error {
  constructor(what: string) {
    super(`not supported: ${what}`);
    this.name = 'UnsupportedPolicy';
  }
}

/** True when labels satisfy a selector; an absent requirement holds, so the empty selector selects all. */
export function selects(selector: Selector, labels: Record<string, string> = {}): boolean {
  refuseUnknown('selector', selector, ['matchLabels', 'matchExpressions']);
  const exact = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return exact && (selector.matchExpressions ?? []).every((expression) => meets(expression, labels));
}

function meets(
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] },
  labels: Record<string, string>,
): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (operator === 'In') return value !== undefined && values.includes(value);
  if (operator === 'NotIn') return value === undefined || !values.includes(value);
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  throw new UnsupportedPolicy(`selector operator ${operator}`);
}

/** Throws when an object has a key beside the known ones: a new field of the API would loosen or tighten unseen. */
export function refuseUnknown(what: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new UnsupportedPolicy(`${what} field ${unknown}`);
}
