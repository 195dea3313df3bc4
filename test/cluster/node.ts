import type { Api } from './api.ts';
import type { Layout } from './layout.ts';
import type { Program } from './programs.ts';

export interface NodeStart {
  paths: Layout;
  api: Api;
  ipv6: boolean;
  start(program: Program): void;
  until(what: string, attempt: () => Promise<boolean>): Promise<void>;
  report(line: string): void;
}

export async function prepareNode(_paths: Layout, _ipv6: boolean): Promise<void> {}
export async function startNode(_node: NodeStart): Promise<void> {}
