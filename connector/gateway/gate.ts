import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { fingerprintOf, identify, isIssuedBy, namesOf } from './clients.ts';

/** Connections of one client at once; the stock client opens at most 100. */
const CONNECTIONS_PER_CLIENT = 128;

interface Peer {
  certificate: X509Certificate;
  client: string;
  /** Milliseconds since 1970. */
  expires: number;
  /** Requests under way. */
  busy: number;
}

/** Knows who is at the other end of each connection, and cuts those that may not be there any more. */
export interface Gate {
  /** A connection that passed the handshake; cut at once when its certificate is not on the list. */
  admit(socket: TLSSocket): void;
  /** Who sends on that connection; undefined: it may not any more, or its certificate has expired. */
  client(socket: Socket): string | undefined;
  /** Counts a request, so that a connection which loses its right is cut after the answer. */
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** Another list is in force; every connection is judged anew. */
  allow(clients: readonly string[]): void;
  /** Other authorities are in force; every connection is judged anew. */
  trust(authorities: readonly X509Certificate[]): void;
}

export interface GateEvents {
  /** `reason` for a metric, `who` (names and fingerprint) for the log. */
  refused(reason: 'client-not-allowed' | 'too-many-connections' | 'client-revoked', who: string): void;
}

export function createGate(clients: readonly string[], events: GateEvents, now: () => number): Gate {
  let allowed = clients;
  const peers = new Map<Socket, Peer>();
  const revoked = new Map<Socket, Peer>();

  const refuse = (
    socket: Socket,
    certificate: X509Certificate | undefined,
    reason: Parameters<GateEvents['refused']>[0],
  ): void => {
    const who = certificate === undefined ? [] : [...namesOf(certificate), fingerprintOf(certificate)];
    events.refused(reason, who.join(', ').slice(0, 400));
    socket.destroy();
  };

  const judgeAnew = (stillGood: (certificate: X509Certificate) => boolean): void => {
    for (const [socket, peer] of peers) {
      const client = stillGood(peer.certificate) ? identify(peer.certificate, allowed) : undefined;
      if (client !== undefined) {
        peer.client = client;
        continue;
      }
      peers.delete(socket);
      // An answer under way belongs to an order that was taken: it is still given.
      if (peer.busy > 0) revoked.set(socket, peer);
      else refuse(socket, peer.certificate, 'client-revoked');
    }
  };

  return {
    admit(socket) {
      const certificate = socket.getPeerX509Certificate();
      const client = certificate && identify(certificate, allowed);
      if (certificate === undefined || client === undefined) {
        return refuse(socket, certificate, 'client-not-allowed');
      }
      const others = [...peers.values()].filter((peer) => peer.client === client).length;
      if (others >= CONNECTIONS_PER_CLIENT) return refuse(socket, certificate, 'too-many-connections');
      peers.set(socket, { certificate, client, expires: Date.parse(certificate.validTo), busy: 0 });
      socket.once('close', () => {
        peers.delete(socket);
        revoked.delete(socket);
      });
    },
    client(socket) {
      const peer = peers.get(socket);
      return peer !== undefined && peer.expires > now() ? peer.client : undefined;
    },
    serve({ socket }, response) {
      const peer = peers.get(socket);
      if (peer === undefined) return;
      peer.busy++;
      response.once('close', () => {
        peer.busy--;
        if (peer.busy === 0 && revoked.delete(socket)) refuse(socket, peer.certificate, 'client-revoked');
      });
    },
    allow(next) {
      allowed = next;
      judgeAnew(() => true);
    },
    trust(authorities) {
      judgeAnew((certificate) => isIssuedBy(certificate, authorities));
    },
  };
}
