import type { Kubectl } from './kubectl.ts';

/** Where a connection is tried: `tcp://203.0.113.7:443`, `udp://[2001:db8::1]:53`. UDP asks as a DNS client does. */
export type Target = `${'tcp' | 'udp'}://${string}`;

/** `open` if it answered; else how it did not: an error code such as ECONNREFUSED, or `timeout`. */
export type Outcome = string;

export interface From {
  namespace: string;
  pod: string;
  /** Needed where the pod has several; its image must have Node. */
  container?: string;
}

// Runs in the pod, all targets at once. A silent UDP address proves nothing, so one must answer to count as open.
const SCRIPT = `
const [limit, ...targets] = process.argv.slice(1);
const net = require('node:net'), dgram = require('node:dgram');
const query = Buffer.from('000701000001000000000000076578616d706c6503636f6d0000010001', 'hex');
const dial = {
  tcp: (host, port, done) => {
    const socket = net.connect({ host, port });
    socket.on('connect', () => done('open')).on('error', (error) => done(error.code));
    return () => socket.destroy();
  },
  udp: (host, port, done) => {
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', () => done('open')).on('error', (error) => done(error.code));
    socket.connect(port, host, (error) => (error ? done(error.code) : socket.send(query)));
    return () => socket.close();
  },
};
Promise.all(targets.map((target) => new Promise((resolve) => {
  const [, protocol, host, port] = /^(tcp|udp):\\/\\/\\[?(.*?)\\]?:(\\d+)$/.exec(target);
  let close = () => {};
  const done = (outcome) => { clearTimeout(timer); close(); close = () => {}; resolve([target, outcome]); };
  const timer = setTimeout(() => done('timeout'), Number(limit));
  close = dial[protocol](host, Number(port), done);
}))).then((results) => console.log(JSON.stringify(results)));
`;

/**
 * Tries every target from inside a pod, waiting `limitMs` for each. Both an error and a timeout are a refusal: engines
 * do either, for one pod within one second.
 */
export async function reach(
  kubectl: Kubectl,
  from: From,
  targets: readonly Target[],
  limitMs = 1000,
): Promise<Map<Target, Outcome>> {
  const container = from.container ? ['-c', from.container] : [];
  const command = ['node', '-e', SCRIPT, '--', String(limitMs), ...targets];
  const out = await kubectl(['exec', '-n', from.namespace, from.pod, ...container, '--', ...command]);
  return new Map(JSON.parse(out) as [Target, Outcome][]);
}

/** The targets, of those tried, that answered. */
export const opened = (outcomes: Map<Target, Outcome>): Target[] =>
  [...outcomes].filter(([, outcome]) => outcome === 'open').map(([target]) => target);
