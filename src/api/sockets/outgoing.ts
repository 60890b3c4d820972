/**
 * What is on its way to one socket.io client: how much it has not taken yet, and its connection, so that many
 * events leave in one system call and a client that takes nothing can be cut.
 *
 * Counted are the encoded events that wait in the client's queue and those handed to its connection that the
 * kernel has not taken. The frames themselves are shared by all clients.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'socket.io';

type Connection = Socket['conn'];

/** What may wait for one client, of either kind, before it is cut. */
export const OUTGOING_MAX_BYTES = 8 * 1024 * 1024;

export class Outgoing {
  readonly #connection: Connection;
  #wire: Duplex | undefined;
  #queuedBytes = 0;
  #handedOverBytes = 0;

  /** `upgradeOf` finds the TCP connection that a session moved to from polling. */
  constructor(connection: Connection, upgradeOf: (sessionId: string) => Duplex | undefined) {
    this.#connection = connection;
    if (isWebSocket(connection.request)) this.#wire = connection.request.socket;
    connection.on('upgrade', () => {
      this.#wire = upgradeOf(sessionIdOf(connection));
    });
    connection.on('packetCreate', ({ data }: { data?: string | Buffer }) => {
      this.#queuedBytes += data?.length ?? 0;
    });
    // engine.io emits `flush` before and `drain` after it hands a queue to the connection, in one turn
    connection.on('flush', () => {
      this.#handedOverBytes = this.#queuedBytes;
      this.#queuedBytes = 0;
      this.#wire?.cork();
    });
    connection.on('drain', () => this.#wire?.uncork());
  }

  /** Bytes that this client has not taken. */
  get pendingBytes(): number {
    const { name, writable } = this.#connection.transport;
    // a polling transport is not writable between two polls: what it was handed has left long ago
    const handedOver = name === 'websocket' && !writable ? this.#handedOverBytes : 0;
    return this.#queuedBytes + handedOver;
  }

  /** Ends the connection at once and frees what waits for it. */
  cut(): void {
    this.#connection.close(true);
    this.#wire?.destroy();
  }
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** engine.io documents `id`; only its type declaration hides it. */
function sessionIdOf(connection: Connection): string {
  return Reflect.get(connection, 'id') as string;
}
