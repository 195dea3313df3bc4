import { STATUS_CODES } from 'node:http';
import express, { type Express, type RequestHandler, type Response } from 'express';
import { messageOf } from '../../common/errors.ts';
import { bodyFault, createApp, errorHandler } from '../../common/http.ts';
import type { Logger } from '../../common/log.ts';
import { sendApiProblem } from '../api/problem.ts';
import { connectorError, errorRow } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { type Audit, createEntrance } from './caller.ts';
import type { Context } from './context.ts';
import type { Gate } from './gate.ts';
import type { Limits } from './limits.ts';
import { mount, type Route } from './route.ts';
import { routes } from './routes/index.ts';
import { KEY_PATHS, refuseKeys } from './routes/wallet-keys.ts';
import { cutSlowReader } from './server.ts';

const BODY_LIMIT_BYTES = 16 * 1024;
/** Of `/v1`, whose batches hold up to 100 orders. */
const API_BODY_LIMIT_BYTES = 64 * 1024;
/** Milliseconds that a client has to read a whole answer. */
const READ_MS = 20_000;

export interface AppOptions {
  context: Context;
  metrics: Metrics;
  log: Logger;
  gate: Pick<Gate, 'client'>;
  limits: Limits;
  audit: Audit;
  /** Each request of a client that may speak, for the dead-man timer. */
  heard?(client: string): void;
  /** Routes of `/v1`; what fails there is told in its own form. */
  api?: readonly Route[];
  /** Aborted: no new work is taken. */
  stopping: AbortSignal;
}

/** The gateway's HTTP interface, without its listener. */
export function createGateway(options: AppOptions): Express {
  const { context, metrics, log, stopping } = options;
  const app = createApp();
  app.use(observe(metrics, log));
  app.use(requireClient(options));
  app.use((_request, _response, next) => {
    next(stopping.aborted ? connectorError('shutting-down', 'the connector is shutting down') : undefined);
  });
  for (const path of KEY_PATHS) app.use(path, refuseKeys);
  const json = (limit: number) => express.json({ limit, inflate: false, strict: true });
  app.use('/v1', json(API_BODY_LIMIT_BYTES));
  app.use(json(BODY_LIMIT_BYTES));
  const enter = createEntrance(options.limits, options.audit);
  for (const route of [...routes, ...(options.api ?? [])]) mount(app, route, context, enter);
  app.use((_request, _response, next) => next(connectorError('not-found', 'no such endpoint')));
  app.use(
    errorHandler((error, response) => {
      const known = fromExpress(error) ?? error;
      const { code } = errorRow(known);
      metrics.refusals.inc({ code });
      const level = code === 'internal' ? 'error' : 'info';
      log[level](
        { code, err: code === 'internal' ? known : undefined, cause: causeText(known) },
        messageOf(known),
      );
      if (/^\/v1(\/|$)/i.test(response.req.path)) sendApiProblem(response, known);
      else sendError(response, known);
    }),
  );
  return app;
}

/** The contract's error body: `{statusCode, error, message, code?}`. An unknown error tells nothing of itself. */
function sendError(response: Response, error: unknown): void {
  const { status, gatewayCode, code } = errorRow(error);
  if (status === 429) response.set('retry-after', '1');
  response.status(status).json({
    statusCode: status,
    error: STATUS_CODES[status],
    message: code === 'internal' ? 'internal error' : messageOf(error),
    ...(gatewayCode === undefined ? {} : { code: gatewayCode }),
  });
}

/** Faults that Express itself found, in our table's terms. The body reader's errors carry the body and are not kept. */
function fromExpress(error: unknown) {
  if (error instanceof URIError) return connectorError('invalid-params', 'the path is not valid');
  const fault = bodyFault(error);
  if (fault === undefined) return undefined;
  const code = { 400: 'body-refused', 413: 'body-too-large', 415: 'media-type' } as const;
  return connectorError(code[fault.status], fault.detail);
}

/** Who asks, for what comes after. A client that lost its right on a connection that stands gets no further. */
function requireClient({ gate, heard }: Pick<AppOptions, 'gate' | 'heard'>): RequestHandler {
  return (request, response, next) => {
    const client = gate.client(request.socket);
    response.locals.client = client;
    if (client !== undefined) {
      heard?.(client);
      return next();
    }
    response.set('connection', 'close');
    next(
      connectorError('client-refused', 'this client certificate is not (any more) one of gateway.clients'),
    );
  };
}

const causeText = (error: unknown): string | undefined =>
  error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : undefined;

/** One line and one sample for each answer, by the route's pattern: path, query and body may hold what must not be kept. */
function observe(metrics: Metrics, log: Logger): RequestHandler {
  return (request, response, next) => {
    const start = process.hrtime.bigint();
    cutSlowReader(response, READ_MS);
    response.once('close', () => {
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      const route = String(response.locals.route ?? 'unmatched');
      const status = response.writableFinished ? String(response.statusCode) : 'aborted';
      metrics.requests.observe({ route, status }, seconds);
      log.debug({ method: request.method, route, status, ms: Math.round(seconds * 1_000) }, 'answered');
    });
    next();
  };
}
