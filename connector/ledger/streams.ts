import { type buildConnector, Client } from 'undici';

/** A GET whose body does not end. */
export interface OpenStream {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  chunks: AsyncIterable<Uint8Array>;
  /** Cuts the connection. To be called whatever the end was. */
  close(): void;
}

export interface Streams {
  open(
    path: string,
    headers: Record<string, string>,
    headersTimeoutMs: number,
    signal: AbortSignal,
  ): Promise<OpenStream>;
  /** Cuts those to such addresses at once, those being opened too; says how many. */
  cut(unwanted: (address: string) => boolean): number;
}

/** The open streams of one endpoint, each on a connection of its own, so that it is known which address it is to. */
export function createStreams(origin: string, connect: buildConnector.connector): Streams {
  const all = new Set<{ address: string | undefined; client: Client }>();
  return {
    async open(path, headers, headersTimeout, signal) {
      const entry = { address: undefined as string | undefined, client: undefined as unknown as Client };
      entry.client = new Client(origin, {
        allowH2: false,
        pipelining: 1,
        bodyTimeout: 0,
        headersTimeout,
        connect(target, callback) {
          connect(target, (error, socket) => {
            if (error !== null) return callback(error, null);
            entry.address = socket.remoteAddress;
            callback(null, socket);
          });
        },
      });
      all.add(entry);
      const close = (): void => {
        all.delete(entry);
        void entry.client.destroy().catch(() => undefined);
      };
      try {
        const {
          statusCode,
          headers: got,
          body,
        } = await entry.client.request({
          ...{ method: 'GET', path, headers, signal },
        });
        // Nobody may be reading when it is cut.
        body.on('error', () => undefined);
        return { status: statusCode, headers: got, chunks: body, close };
      } catch (error) {
        close();
        throw error;
      }
    },
    cut(unwanted) {
      // One whose address is not known yet was dialled under what held before.
      const cut = [...all].filter(({ address }) => address === undefined || unwanted(address));
      for (const entry of cut) {
        all.delete(entry);
        void entry.client.destroy(new Error('its trust or address changed')).catch(() => undefined);
      }
      return cut.length;
    },
  };
}
