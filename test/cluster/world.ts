// Plays the rest of the world: answers on every address of the namespace it runs in, so that "refused" can only mean
// refused by policy. usage: world ADDRESS TCP,PORTS UDP,PORTS
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const DNS_PORT = 53;
const REFUSED = 0x8185; // an answer, recursion wanted and had, response code REFUSED (RFC 1035 section 4.1.1)

const [address = '', tcp = '', udp = ''] = process.argv.slice(2);
const ports = (list: string): number[] => list.split(',').filter(Boolean).map(Number);

/** A resolver that says at once that it will not look anything up; any other port echoes. */
function udpAnswer(port: number, question: Buffer): Buffer {
  if (port !== DNS_PORT || question.length < 12) return question;
  const answer = Buffer.from(question);
  answer.writeUInt16BE(REFUSED, 2);
  return answer;
}

for (const port of ports(tcp)) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`world ${socket.localAddress?.replace(/^::ffff:/, '')} ${port}\n`);
  });
  server.listen(port, address);
}

for (const port of ports(udp)) {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4' });
  socket.on('message', (message, from) => socket.send(udpAnswer(port, message), from.port, from.address));
  socket.bind(port, address);
}
