/** Where the pod may go: the addresses that the StellarConnector gives, each with the port of its URL. */
import { isIPv6 } from 'node:net';
import type { StellarConnector, StellarConnectorStatusAddress } from '../api/v1alpha1.gen.ts';

/** One TCP destination, and the field that asks for it. */
export interface Destination {
  ip: string;
  port: number;
  field: string;
}

/** Splits `host:port`, IPv6 in brackets; the CRD's rules have checked the form. */
export function splitHostPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

/** The port of an https URL. */
function portOf(url: string): number {
  return Number(new URL(url).port || 443);
}

/** The Horizon and the RPC servers with the fields that name them; `id` tells their files apart. */
export function ledgerServers({ spec: { horizon, rpc } }: StellarConnector) {
  return [
    ...horizon.endpoints.map((of, at) => ({ ...of, id: `${at}`, field: `spec.horizon.endpoints[${at}]` })),
    ...(rpc?.endpoints ?? []).map((of, at) => ({
      ...of,
      id: `rpc-${at}`,
      field: `spec.rpc.endpoints[${at}]`,
    })),
  ];
}

/** Every destination of the pod, in the order of the fields. */
export function destinations(connector: StellarConnector): Destination[] {
  const { signer } = connector.spec;
  const servers = ledgerServers(connector).flatMap(({ url, addresses = [], field }) =>
    addresses.map((ip, index) => ({ ip, port: portOf(url), field: `${field}.addresses[${index}]` })),
  );
  const hsms = (signer.pkcs11?.endpoints ?? []).map((text, at) => {
    const { host: ip, port } = splitHostPort(text);
    return { ip, port, field: `spec.signer.pkcs11.endpoints[${at}]` };
  });
  const { address, addresses = [] } = signer.vaultTransit ?? {};
  const vaults = addresses.map((ip, index) => ({
    ip,
    port: portOf(address!),
    field: `spec.signer.vaultTransit.addresses[${index}]`,
  }));
  return [...servers, ...hsms, ...vaults];
}

/** The addresses of each host, for the connector's pinned dialling; two endpoints on one host share their addresses. */
export function pinnedHosts(connector: StellarConnector): Record<string, string[]> {
  return byHost(ledgerServers(connector));
}

/** The same for `status.addresses`, Vault's too. Addresses that a CR gives are in use from the first moment. */
export function pinnedAddresses(connector: StellarConnector): StellarConnectorStatusAddress[] {
  const { vaultTransit: vault } = connector.spec.signer;
  const all = [
    ...ledgerServers(connector),
    ...(vault === undefined ? [] : [{ ...vault, url: vault.address }]),
  ];
  return Object.entries(byHost(all)).flatMap(([host, ips]) =>
    ips.map((ip) => ({ host, ip, phase: 'Active' as const })),
  );
}

function byHost(
  servers: readonly { url: string; addresses?: readonly string[] }[],
): Record<string, string[]> {
  const hosts = new Map<string, Set<string>>();
  for (const { url, addresses = [] } of servers) {
    const { hostname } = new URL(url);
    hosts.set(hostname, new Set([...(hosts.get(hostname) ?? []), ...addresses]));
  }
  return Object.fromEntries([...hosts].map(([host, ips]) => [host, [...ips]]));
}

/** The range that holds this address alone. */
export function rangeOf(ip: string): string {
  return isIPv6(ip) ? `${ip}/128` : `${ip}/32`;
}
