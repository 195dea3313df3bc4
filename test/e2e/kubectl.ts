import { spawn } from 'node:child_process';

/** Runs kubectl against the cluster of the environment; gives its standard output. An error carries standard error. */
export function kubectl(args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`kubectl ${args.join(' ')}: exit ${code}\n${err}`)),
    );
    child.stdin.end(input);
  });
}

/** Server-side apply of objects or YAML, as the demo's user. */
export const apply = (yaml: string): Promise<string> =>
  kubectl(['apply', '--server-side', '--field-manager=demo', '-f', '-'], yaml);

/** One object as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: plain JSON of the API, asserted on by its readers
export const get = async (...args: string[]): Promise<any> =>
  JSON.parse(await kubectl(['get', ...args, '-o', 'json']));
