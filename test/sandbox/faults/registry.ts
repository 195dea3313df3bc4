import type { Fault, FaultOf, FaultRequest } from './schema.ts';

export interface ActiveFault extends FaultRequest {
  id: string;
  /** The newest ledger when it began. */
  sinceLedger: number;
  /** How often it was used. */
  used: number;
}

/** The faults that are on, in the order in which they were switched on. */
export interface Faults {
  add(request: FaultRequest): ActiveFault;
  list(): readonly ActiveFault[];
  /** Switches one off, or all; false where there was none. */
  remove(id?: string): boolean;
  /** The newest fault of a kind that an endpoint has. */
  find<K extends Fault['kind']>(
    endpoint: string,
    kind: K,
    target?: string,
  ): (ActiveFault & { fault: FaultOf<K> }) | undefined;
  /** Finds and uses one of its `times` up. */
  take<K extends Fault['kind']>(endpoint: string, kind: K, target?: string): FaultOf<K> | undefined;
  /** Called when faults came or went. */
  onChange(listener: () => void): void;
}

function matches(fault: Fault, target: string | undefined): boolean {
  if (!('path' in fault) || fault.path === undefined) return true;
  if (target === undefined) return false;
  return fault.path.startsWith('^') ? new RegExp(fault.path).test(target) : target.startsWith(fault.path);
}

/** @param ledger sequence of the newest ledger */
export function createFaults(ledger: () => number): Faults {
  let active: ActiveFault[] = [];
  let count = 0;
  const listeners: (() => void)[] = [];

  function set(next: ActiveFault[]): void {
    active = next;
    for (const listener of listeners) listener();
  }

  const find: Faults['find'] = (endpoint, kind, target) =>
    active.findLast(
      (one) =>
        one.fault.kind === kind &&
        (one.endpoint === undefined || one.endpoint === endpoint) &&
        matches(one.fault, target),
    ) as never;

  return {
    add(request) {
      count += 1;
      const added = { ...request, id: String(count), sinceLedger: ledger(), used: 0 };
      set([...active, added]);
      return added;
    },
    list: () => active,
    remove(id) {
      const left = id === undefined ? [] : active.filter((one) => one.id !== id);
      const found = left.length < active.length;
      if (found) set(left);
      return found;
    },
    find,
    take(endpoint, kind, target) {
      const found = find(endpoint, kind, target);
      if (!found) return undefined;
      found.used += 1;
      if ('times' in found.fault && found.fault.times === found.used) {
        set(active.filter((one) => one !== found));
      }
      return found.fault;
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
