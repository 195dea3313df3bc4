import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import * as z from 'zod';
import { CodedError, messageOf } from '../../common/errors.ts';
import { answers } from '../socket.ts';

/** A request of the command line to the process that has the journal. */
const acceptance = z.strictObject({ reason: z.string().min(1).max(1_000), by: z.string().min(1).max(1_000) });
export type Acceptance = z.infer<typeof acceptance>;

const NAME = 'lock';
/** Before what an answer says of what follows. */
const ACCEPTED = 'accepted: ';
const MAX_CHARACTERS = 10_000;
const ANSWER_DEADLINE_MS = 10_000;
/** Of a unix socket. */
const MAX_PATH_BYTES = 107;

/**
 * One process has the journal of a folder, from before it reads it until it closes it. The lock is a unix socket: the
 * kernel lets it go when the process dies, and the command line asks its holder over it.
 * @param accept writes that the loss is accepted; what it says, or its error, is told to who asked
 * @throws CodedError `journal-locked`
 */
export async function lockJournal(
  dir: string,
  accept: (request: Acceptance) => Promise<string>,
): Promise<{ release(): Promise<void> }> {
  const path = join(dir, NAME);
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new CodedError('journal-locked', `the path of the journal’s folder is too long: ${dir}`);
  if (await answers(path))
    throw new CodedError('journal-locked', `another process has the journal of ${dir}; stop it first`);
  await rm(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.once('close', () => open.delete(socket)));
    serve(socket, accept);
  }).unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ path }, resolve);
  });
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function serve(socket: Socket, accept: (request: Acceptance) => Promise<string>): void {
  let text = '';
  socket.setTimeout(ANSWER_DEADLINE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.length > MAX_CHARACTERS) socket.destroy();
    if (!text.endsWith('\n')) return;
    Promise.resolve(text)
      .then((whole) => accept(acceptance.parse(JSON.parse(whole))))
      .then(
        (said) => socket.end(ACCEPTED + said),
        (error: unknown) => socket.end(messageOf(error)),
      );
  });
}

/**
 * Asks the process that has the journal to accept its loss.
 * @returns what follows from it; undefined when there is none
 * @throws Error with what it answered
 */
export async function askHolder(dir: string, request: Acceptance): Promise<string | undefined> {
  const path = join(dir, NAME);
  if (!(await answers(path))) return undefined;
  const socket = connect(path);
  socket.setTimeout(ANSWER_DEADLINE_MS, () =>
    socket.destroy(
      new Error(`the signer has not answered within ${ANSWER_DEADLINE_MS / 1000} s; see its /status`),
    ),
  );
  socket.setEncoding('utf8');
  socket.write(`${JSON.stringify(request)}\n`);
  let answer = '';
  for await (const chunk of socket) answer += chunk as string;
  socket.destroy();
  if (!answer.startsWith(ACCEPTED)) throw new Error(answer === '' ? 'the signer ended meanwhile' : answer);
  return answer.slice(ACCEPTED.length);
}
