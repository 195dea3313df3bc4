import type { Network } from '../network.ts';
import type { Listing } from './page.ts';

/** A request as the routes see it. */
export interface HorizonRequest {
  network: Network;
  /** `https://host[:port]` as the client named it, for links. */
  base: string;
  path: string;
  /** The groups that the route's pattern caught. */
  parameters: string[];
  /** The first of several values counts. */
  query: URLSearchParams;
  contentType: string;
  body: string;
  /** What the client takes: JSON, or the bytes alone where a route has them. */
  mediaType: 'json' | 'raw';
  /** Ends when the client goes away or the server stops. */
  signal: AbortSignal;
  /** How long a submission is waited for, in milliseconds. */
  submitTimeoutMs: number;
}

export interface Answer {
  status: number;
  /** Anything but bytes becomes JSON. */
  body: unknown;
  contentType?: string;
}

export interface Route {
  method: 'GET' | 'POST';
  /** Matches the whole path without a trailing slash. */
  pattern: RegExp;
  /** Answers from state carry the header `Latest-Ledger`. */
  fromState?: boolean;
  /** A stream sends the body of `handle`, which is no promise then, again when it changed, or never again. */
  streamsObject?: 'changes' | 'once';
  /** Has an answer of bytes alone (`application/octet-stream`). */
  servesRaw?: boolean;
  /** Where the answer is a list: the list itself, of which `handle` gives a page and a stream the records one by one. */
  list?(request: HorizonRequest): Listing;
  handle(request: HorizonRequest): Answer | Promise<Answer>;
}

export const ok = (body: unknown): Answer => ({ status: 200, body });

interface Link {
  href: string;
  templated?: true;
}

export const link = (href: string): Link => ({ href });
export const template = (href: string): Link => ({ href, templated: true });
export const PAGE = '{?cursor,limit,order}';
