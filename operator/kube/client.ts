import { KubeError } from './errors.ts';
import { readLines } from './lines.ts';
import { type ApiObject, apiVersionOf, pathOf, type Resource } from './resource.ts';
import type { Call, Transport } from './transport.ts';

/** An object by name; cluster-scoped ones have no namespace. */
export interface Ref {
  namespace?: string | undefined;
  name: string;
}

/** A collection: one namespace or, without it, all; narrowed by a label selector. */
export interface Scope {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
}

export interface Page<T> {
  items: T[];
  /** Where a watch goes on from. Opaque. */
  resourceVersion: string;
}

/** One line of a watch; `ERROR` carries a `Status` object. */
export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

export interface ApplyOptions {
  /** Who owns the applied fields. */
  fieldManager: string;
  /** Takes fields over from other managers instead of answering 409. */
  force: boolean;
}

/** The verbs of the API over plain JSON. Every method throws KubeError; see `transport.ts` for what is tried again. */
export interface KubeClient {
  get<T extends ApiObject>(of: Resource<T>, ref: Ref, signal: AbortSignal): Promise<T>;
  /** The whole collection, read in pages, consistent (never from the server's cache). */
  list<T extends ApiObject>(of: Resource<T>, scope: Scope, signal: AbortSignal): Promise<Page<T>>;
  /** The events of one watch until the server ends it; `query` goes out as it is. */
  watch<T extends ApiObject>(
    of: Resource<T>,
    scope: Scope,
    query: Record<string, string>,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
  /** Server-side apply; creates the object if it is not there. */
  apply<T extends ApiObject>(
    of: Resource<T>,
    object: ApiObject,
    options: ApplyOptions,
    signal: AbortSignal,
  ): Promise<T>;
  /** Server-side apply of the status subresource. */
  applyStatus<T extends ApiObject>(
    of: Resource<T>,
    object: ApiObject,
    options: ApplyOptions,
    signal: AbortSignal,
  ): Promise<T>;
  /** With `dryRun` everything is checked and nothing stored. */
  create<T extends ApiObject>(
    of: Resource<T>,
    object: T,
    signal: AbortSignal,
    options?: { dryRun: boolean },
  ): Promise<T>;
  /** Replaces the object; its `metadata.uid`, if set, must be that of the object there (409 otherwise). */
  update<T extends ApiObject>(of: Resource<T>, object: T, signal: AbortSignal): Promise<T>;
  /** JSON merge patch (RFC 7396). */
  patch<T extends ApiObject>(of: Resource<T>, ref: Ref, patch: object, signal: AbortSignal): Promise<T>;
  delete(of: Resource<ApiObject>, ref: Ref, signal: AbortSignal): Promise<void>;
}

const PAGE = '500';

export function createClient(transport: Transport): KubeClient {
  const json = async <T>(call: Call): Promise<T> => parse<T>(call, await transport.request(call));

  function apply<T extends ApiObject>(
    of: Resource<T>,
    object: ApiObject,
    { fieldManager, force }: ApplyOptions,
    signal: AbortSignal,
    subresource?: string,
  ): Promise<T> {
    const at = refOf(object);
    return json<T>({
      method: 'PATCH',
      path: pathOf(of, subresource === undefined ? at : { ...at, subresource }),
      query: { fieldManager, force: String(force) },
      // YAML is a superset of JSON, and this is the media type that means server-side apply.
      contentType: 'application/apply-patch+yaml',
      body: JSON.stringify({ ...object, apiVersion: apiVersionOf(of), kind: of.kind }),
      signal,
    });
  }

  return {
    get: (of, ref, signal) => json({ method: 'GET', path: pathOf(of, ref), signal }),

    async list<T extends ApiObject>(of: Resource<T>, scope: Scope, signal: AbortSignal): Promise<Page<T>> {
      const items: T[] = [];
      let next = '';
      for (;;) {
        const query = { ...selector(scope), limit: PAGE, ...(next === '' ? {} : { continue: next }) };
        const call: Call = { method: 'GET', path: pathOf(of, { namespace: scope.namespace }), query, signal };
        const page = await json<ListBody<T>>(call);
        if (!Array.isArray(page.items)) throw new KubeError('protocol', `${call.path}: a list without items`);
        // The API leaves these out of the items of a list.
        const { kind } = of;
        items.push(...page.items.map((item) => ({ ...item, apiVersion: apiVersionOf(of), kind })));
        next = page.metadata?.continue ?? '';
        if (next === '') return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
      }
    },

    async *watch<T extends ApiObject>(
      of: Resource<T>,
      scope: Scope,
      query: Record<string, string>,
      signal: AbortSignal,
    ): AsyncIterable<WatchEvent<T>> {
      const call: Call = {
        method: 'GET',
        path: pathOf(of, { namespace: scope.namespace }),
        query: { ...selector(scope), ...query, watch: 'true' },
        signal,
      };
      for await (const line of readLines(await transport.stream(call)))
        yield parse<WatchEvent<T>>(call, line);
    },

    apply: (of, object, options, signal) => apply(of, object, options, signal),
    applyStatus: (of, object, options, signal) => apply(of, object, options, signal, 'status'),

    create: (of, object, signal, options) =>
      json({
        method: 'POST',
        path: pathOf(of, { namespace: object.metadata.namespace }),
        query: { fieldManager: FIELD_MANAGER, ...(options?.dryRun === true ? { dryRun: 'All' } : {}) },
        body: bodyOf(of, object),
        signal,
      }),
    update: (of, object, signal) =>
      json({
        method: 'PUT',
        path: pathOf(of, refOf(object)),
        query: { fieldManager: FIELD_MANAGER },
        body: bodyOf(of, object),
        signal,
      }),
    patch: (of, ref, patch, signal) =>
      json({
        method: 'PATCH',
        path: pathOf(of, ref),
        query: { fieldManager: FIELD_MANAGER },
        contentType: 'application/merge-patch+json',
        body: JSON.stringify(patch),
        signal,
      }),
    async delete(of, ref, signal) {
      await transport.request({ method: 'DELETE', path: pathOf(of, ref), signal });
    },
  };
}

/** Our name in `managedFields`. */
export const FIELD_MANAGER = 'stellar-operator';

interface ListBody<T> {
  items?: T[];
  metadata?: { continue?: string; resourceVersion?: string };
}

function refOf(object: ApiObject): Ref {
  return { namespace: object.metadata.namespace, name: object.metadata.name };
}

function bodyOf(of: Resource<ApiObject>, object: ApiObject): string {
  return JSON.stringify({ ...object, apiVersion: apiVersionOf(of), kind: of.kind });
}

function selector(scope: Scope): Record<string, string> {
  return scope.labelSelector === undefined ? {} : { labelSelector: scope.labelSelector };
}

function parse<T>(call: Call, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new KubeError('protocol', `${call.method} ${call.path}: the answer is not JSON`, { cause });
  }
}
