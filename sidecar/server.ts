import { createServer, type Server } from 'node:http';
import express, { type Express, type Response } from 'express';
import type * as z from 'zod';
import { bodyFault, createApp, errorHandler, harden, sendProblem } from '../common/http.ts';
import { signerError, toProblem } from './errors.ts';
import {
  ACCOUNT_PATH,
  type AccountResponse,
  MAX_BODY_BYTES,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  SIGN_PATH,
  signRequest,
} from './protocol.ts';
import type { Signer } from './sign.ts';

export interface ServerModules {
  signer: Signer;
  account: AccountResponse;
}

const SIGN_DEADLINE_MS = 5_000;
const MAX_CONNECTIONS = 64;

/** The server of the unix socket: two endpoints, both of them the protocol's. Nothing signs a raw hash. */
export function createSignerServer(modules: ServerModules): Server {
  const server = createServer(createRoutes(modules));
  server.maxConnections = MAX_CONNECTIONS;
  return harden(server);
}

function createRoutes({ signer, account }: ServerModules): Express {
  const app = createApp();
  app.use((request, response, next) => {
    response.set(PROTOCOL_HEADER, PROTOCOL_VERSION);
    if (request.get(PROTOCOL_HEADER) === PROTOCOL_VERSION) return next();
    throw signerError('protocol-mismatch', `the header ${PROTOCOL_HEADER} must be ${PROTOCOL_VERSION}`, {
      field: PROTOCOL_HEADER,
    });
  });
  app.get(ACCOUNT_PATH, (_request, response) => {
    response.json(account);
  });
  app.post(
    SIGN_PATH,
    express.json({ limit: MAX_BODY_BYTES, inflate: false, type: 'application/json' }),
    async (request, response) => {
      const body = signRequest.safeParse(request.body);
      if (!body.success) throw badRequest(body.error);
      try {
        response.json(await signer.sign(body.data, AbortSignal.timeout(SIGN_DEADLINE_MS)));
      } catch (error) {
        // `sign` has recorded it already, with the hash.
        answer(error, response);
      }
    },
  );
  app.use(() => {
    throw signerError('not-found', 'no such endpoint');
  });
  app.use(
    errorHandler((error, response) => {
      const fault = bodyFault(error);
      const code = fault?.status === 413 ? 'body-too-large' : 'bad-request';
      const known = fault === undefined ? error : signerError(code, fault.detail);
      void signer.refused(known).finally(() => answer(known, response));
    }),
  );
  return app;
}

function answer(error: unknown, response: Response): void {
  const problem = toProblem(error);
  if (problem.status === 503 || problem.status === 429) response.set('retry-after', '1');
  sendProblem(response, problem);
}

/** The names of unknown fields are the client's words: they may be long or secret, and are neither kept nor answered. */
function badRequest(error: z.ZodError): Error {
  const [issue] = error.issues;
  if (issue === undefined || issue.code === 'unrecognized_keys')
    return signerError('bad-request', 'the body has an unknown field');
  const field = issue.path.join('.');
  return signerError('bad-request', issue.message, field === '' ? {} : { field });
}
