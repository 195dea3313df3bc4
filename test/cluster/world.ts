// Plays the rest of the world: runs in the namespace that owns every address, and answers on all of them, so that
// "refused" can only mean refused by policy. A test's own servers there take other ports.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

export const WORLD_TCP = [53, 80, 443, 8080];
export const WORLD_UDP = [53, 123, 443];

const DNS_PORT = 53;
const REFUSED = 0x8185; // an answer, recursion wanted and had, response code REFUSED (RFC 1035 section 4.1.1)

const listening = process.argv[2] === 'ipv6' ? '::' : '0.0.0.0';

/** A resolver that says at once that it will not look anything up; any other port echoes. */
function udpAnswer(port: number, question: Buffer): Buffer {
  if (port !== DNS_PORT || question.length < 12) return question;
  const answer = Buffer.from(question);
  answer.writeUInt16BE(REFUSED, 2);
  return answer;
}

for (const port of WORLD_TCP) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`world ${socket.localAddress?.replace(/^::ffff:/, '')} ${port}\n`);
  });
  server.listen(port, listening);
}

for (const port of WORLD_UDP) {
  const socket = createSocket({ type: listening === '::' ? 'udp6' : 'udp4' });
  socket.on('message', (message, from) => socket.send(udpAnswer(port, message), from.port, from.address));
  socket.bind(port, listening);
}
