import { STATUS_CODES } from 'node:http';
import type { Response } from 'express';
import * as z from 'zod';
import { CodedError, messageOf } from '../../common/errors.ts';
import { type Problem, sendProblem } from '../../common/http.ts';
import { errorRow } from '../errors.ts';

/** The error body of `/v1` (RFC 9457). */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  field: z.string().optional(),
});

/** An error as a problem document; an unknown one tells nothing of itself. */
export function problemOf(error: unknown): Problem {
  const { code, status } = errorRow(error);
  const field = error instanceof CodedError ? error.field : undefined;
  return {
    type: `urn:stellar-connector:error:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: code === 'internal' ? 'internal error' : messageOf(error),
    code,
    ...(field === undefined ? {} : { field }),
  };
}

/** The gateway's error handler gives what failed under `/v1` to this. */
export function sendApiProblem(response: Response, error: unknown): void {
  const problem = problemOf(error);
  if (problem.status === 429 || problem.code === 'key-busy') response.set('retry-after', '1');
  sendProblem(response, problem);
}
