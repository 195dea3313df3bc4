import { createServer, type Server } from 'node:http';
import express, { type Express, type Request, type Response } from 'express';
import type * as z from 'zod';
import { isCoded } from '../common/errors.ts';
import { bodyFault, createApp, errorHandler, harden } from '../common/http.ts';
import type { HttpMessage } from '../common/http-signatures.ts';
import { contentDigest } from '../common/http-signatures-hmac.ts';
import { withDeadline } from '../common/shutdown.ts';
import type { Authenticator } from './auth/authenticator.ts';
import type { Limits } from './auth/limits.ts';
import { signerError, toProblem } from './errors.ts';
import {
  ACCOUNT_PATH,
  type AccountResponse,
  MAX_BODY_BYTES,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  SIGN_PATH,
  type SignRequest,
  signRequest,
} from './protocol.ts';
import type { Signer } from './sign.ts';

export interface ServerModules {
  signer: Signer;
  account: AccountResponse;
  auth: Authenticator;
  limits: Limits;
}

const SIGN_DEADLINE_MS = 5_000;
/** More than requests may be in work, so that one too many hears why. */
const MAX_CONNECTIONS = 256;

/** The server of the unix socket: two endpoints, both of them the protocol's. Nothing signs a raw hash. */
export function createSignerServer(modules: ServerModules): Server {
  const server: Server = createServer(createRoutes(modules, () => !server.listening));
  server.maxConnections = MAX_CONNECTIONS;
  return harden(server);
}

function createRoutes({ signer, account, auth, limits }: ServerModules, isStopping: () => boolean): Express {
  const app = createApp();

  const answer = (response: Response, status: number, type: string, value: object): void => {
    const body = Buffer.from(JSON.stringify(value));
    const headers = {
      [PROTOCOL_HEADER]: PROTOCOL_VERSION,
      'content-type': type,
      'content-digest': contentDigest(body),
      'content-length': body.length,
    };
    leave(response);
    const signature = auth.signAnswer({ status, headers }, messageOf(response.req));
    response.writeHead(status, { ...headers, ...signature }).end(body);
  };
  const refuse = (response: Response, error: unknown): void => {
    const problem = toProblem(error);
    if (problem.status === 503 || problem.status === 429) response.set('retry-after', '1');
    if (problem.code === 'stopping') response.set('connection', 'close');
    answer(response, problem.status, 'application/problem+json', problem);
  };

  app.use((request, response, next) => {
    if (isStopping()) throw signerError('stopping', 'the signer is stopping');
    response.locals.leave = limits.enter();
    if (request.get(PROTOCOL_HEADER) === PROTOCOL_VERSION) return next();
    throw signerError('protocol-mismatch', `the header ${PROTOCOL_HEADER} must be ${PROTOCOL_VERSION}`, {
      field: PROTOCOL_HEADER,
    });
  });
  app.use(express.raw({ limit: MAX_BODY_BYTES, inflate: false, type: () => true }));
  app.use((request, _response, next) => {
    auth.verify(messageOf(request));
    next();
  });
  app.get(ACCOUNT_PATH, (_request, response) => answer(response, 200, 'application/json', account));
  app.post(SIGN_PATH, async (request, response) => {
    const body = readBody(request);
    try {
      const signed = await withDeadline(SIGN_DEADLINE_MS, (signal) => signer.sign(body, signal));
      answer(response, 200, 'application/json', signed);
    } catch (error) {
      // `sign` has recorded it already, with the hash.
      refuse(response, error);
    }
  });
  app.use(() => {
    throw signerError('not-found', 'no such endpoint');
  });
  app.use(
    errorHandler((error, response) => {
      const fault = bodyFault(error);
      const code = fault?.status === 413 ? 'body-too-large' : 'bad-request';
      const known = fault === undefined ? error : signerError(code, fault.detail);
      const recorded = signer.refused(known);
      // Who asks too much must not make answers wait for the disk.
      if (isCoded(known, 'overloaded', 'too-many-requests', 'stopping')) refuse(response, known);
      else void recorded.finally(() => refuse(response, known));
    }),
  );
  return app;
}

/** Once the work on a request is over, whether or not its client still listens. */
function leave(response: Response): void {
  (response.locals.leave as (() => void) | undefined)?.();
  response.locals.leave = undefined;
}

/** What a signature can cover, as it came: `request.url` is what Express may rewrite. */
function messageOf({ method, originalUrl, headers, body }: Request): HttpMessage {
  return { method, target: originalUrl, headers, body };
}

/** @throws SignerError `bad-request` */
function readBody(request: Request): SignRequest {
  if (!request.is('application/json')) throw signerError('bad-request', 'the body must be application/json');
  const body = signRequest.safeParse(parse(request.body));
  if (!body.success) throw badRequest(body.error);
  return body.data;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw signerError('bad-request', 'the body is not valid JSON');
  }
}

/** The names of unknown fields are the client's words: they may be long or secret, and are neither kept nor answered. */
function badRequest(error: z.ZodError): Error {
  const [issue] = error.issues;
  if (issue === undefined || issue.code === 'unrecognized_keys')
    return signerError('bad-request', 'the body has an unknown field');
  const field = issue.path.join('.');
  return signerError('bad-request', issue.message, field === '' ? {} : { field });
}
