import type { Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import express, { type ErrorRequestHandler, type Express, type Response } from 'express';

/** RFC 9457 problem document, with the machine-readable `code` of the program's error table. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  field?: string;
}

/** An Express app that tells nothing about itself and trusts no forwarded header. */
export function createApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', false);
  app.set('query parser', 'simple');
  app.use((_request, response, next) => {
    response.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    next();
  });
  return app;
}

/** Answers with a problem document (RFC 9457). */
export function sendProblem(response: Response, problem: Problem): void {
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

/** What Express' own body reader refused, in words of HTTP; undefined for any other error. */
export function bodyFault(error: unknown): { status: 400 | 413 | 415; detail: string } | undefined {
  const { type } = (error ?? {}) as { type?: string };
  switch (type) {
    case 'entity.too.large':
      return { status: 413, detail: 'the body is larger than this endpoint takes' };
    case 'entity.parse.failed':
      return { status: 400, detail: 'the body is not valid JSON' };
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return { status: 415, detail: 'the body must be UTF-8 JSON without content encoding' };
    case 'request.aborted':
    case 'request.size.invalid':
      return { status: 400, detail: 'the body ended early' };
    default:
      return undefined;
  }
}

/** The last handler of an app: maps an error to an answer and logs it by `report`. */
export function errorHandler(handle: (error: unknown, response: Response) => void): ErrorRequestHandler {
  return (error, _request, response, next) => {
    if (response.headersSent) return next(error);
    handle(error, response);
  };
}

/** Time limits (milliseconds) and counts against slow or greedy clients. Call before `listen`. */
export function harden<S extends Server>(server: S): S {
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 75_000;
  server.maxHeadersCount = 64;
  server.maxRequestsPerSocket = 0;
  server.timeout = 0;
  return server;
}

/** Listens; rejects where `listen` would emit `error`. */
export function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Stops accepting, lets answers under way finish for `graceMs` milliseconds, then cuts what is left. */
export function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    // A kept-alive connection becomes idle only after its last answer; Node would leave it open until it times out.
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearTimeout(timer);
      clearInterval(idle);
      resolve();
    });
    server.closeIdleConnections();
  });
}
