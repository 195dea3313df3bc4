/**
 * What a pod can reach, tried from inside it. The script runs in the pod's own container by `kubectl exec … node -e`,
 * so that it meets the very network that the product's process meets.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Target {
  what: string;
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
}

/** `open` when something answered; `refused` for a reset, an unreachable, or silence within the time. */
export type Reach = 'open' | 'refused';

const DIAL_MS = 1_500;

/** Plain JavaScript without imports of ours: it is handed to `node -e` in images that do not hold this file. */
const SCRIPT = `
const net = require('node:net'), dgram = require('node:dgram');
const tcp = (t) => new Promise((done) => {
  const socket = net.connect({ host: t.address, port: t.port });
  const end = (reach) => { socket.destroy(); done(reach); };
  socket.setTimeout(${DIAL_MS}, () => end('refused'));
  socket.on('connect', () => end('open')).on('error', () => end('refused'));
});
const udp = (t) => new Promise((done) => {
  const socket = dgram.createSocket(t.address.includes(':') ? 'udp6' : 'udp4');
  const end = (reach) => { clearTimeout(timer); socket.close(); done(reach); };
  const timer = setTimeout(() => end('refused'), ${DIAL_MS});
  socket.on('message', () => end('open')).on('error', () => end('refused'));
  socket.send(Buffer.from('00010100000100000000000004746573740000010001', 'hex'), t.port, t.address);
});
const targets = JSON.parse(process.argv[1]);
Promise.all(targets.map((t) => (t.protocol === 'udp' ? udp(t) : tcp(t))))
  .then((reached) => console.log(JSON.stringify(reached)));
`;

const run = promisify(execFile);

export interface PodRef {
  namespace: string;
  pod: string;
  container: string;
}

/** Dials every target from inside the container; the answers are in the targets' order. */
export async function dialFrom(pod: PodRef, targets: readonly Target[]): Promise<Reach[]> {
  const args = [
    'exec',
    '-n',
    pod.namespace,
    pod.pod,
    '-c',
    pod.container,
    '--',
    '/usr/local/bin/node',
    '-e',
    SCRIPT,
  ];
  const { stdout } = await run('kubectl', [...args, JSON.stringify(targets)]);
  return JSON.parse(stdout) as Reach[];
}
