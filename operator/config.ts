import * as z from 'zod';
import { listenAddress, loadConfig, logLevel } from '../common/config.ts';

const name = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be a namespace');

const schema = z.object({
  CONNECTOR_IMAGE: z.string().min(1),
  SIGNER_IMAGE: z.string().min(1),
  IMAGE_PULL_POLICY: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  WATCH_NAMESPACES: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((part) => part !== ''))
    .pipe(z.array(name)),
  OPERATOR_NAMESPACE: name.optional(),
  HEALTH_ADDRESS: listenAddress.prefault('[::]:15891'),
  KUBECONFIG: z.string().min(1).optional(),
  KUBE_CONTEXT: z.string().min(1).optional(),
  LOG_LEVEL: logLevel,
});

/** The operator's configuration; the table of `stellar-operator --help` is the documentation of each variable. */
export interface Config {
  images: { connector: string; signer: string; pullPolicy: 'Always' | 'IfNotPresent' | 'Never' };
  /** Namespaces to watch; empty means all. */
  namespaces: string[];
  /** Namespace of the operator's own pods, undefined outside a cluster. */
  operatorNamespace: string | undefined;
  healthAddress: z.infer<typeof listenAddress>;
  kubeconfig: string | undefined;
  context: string | undefined;
  logLevel: z.infer<typeof logLevel>;
}

/** Reads `STELLAR_` variables. @throws CodedError `config-invalid` */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = loadConfig(schema, env);
  return {
    images: {
      connector: given.CONNECTOR_IMAGE,
      signer: given.SIGNER_IMAGE,
      pullPolicy: given.IMAGE_PULL_POLICY,
    },
    namespaces: given.WATCH_NAMESPACES,
    operatorNamespace: given.OPERATOR_NAMESPACE,
    healthAddress: given.HEALTH_ADDRESS,
    kubeconfig: given.KUBECONFIG,
    context: given.KUBE_CONTEXT,
    logLevel: given.LOG_LEVEL,
  };
}
