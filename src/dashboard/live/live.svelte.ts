/**
 * What happens on the gateway, as it happens. One connection for the whole page: it comes back by itself, tells whether
 * it is there, and says when something may have been missed. Nothing is asked of pages but `on` and `onConnected`.
 */
import { io, type Socket } from 'socket.io-client';
import { session } from '../session/session.svelte.ts';
import type { LiveEvents } from './live-events.ts';

const RETRY_MS = 500;
const RETRY_MAX_MS = 5_000;

/** `refused`: the gateway wants a log-in first. */
export type Connection = 'connecting' | 'connected' | 'lost' | 'refused';

class Live {
  #connection = $state<Connection>('connecting');
  #lostAt = $state<number | undefined>();
  readonly #whenConnected = new Set<() => void>();
  readonly #socket: Socket;

  constructor() {
    this.#socket = io({
      autoConnect: false,
      // polling where something in between lets no WebSocket through
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      // of three events that say the same the one that names its device
      query: { perDevice: 'false' },
      reconnectionDelay: RETRY_MS,
      reconnectionDelayMax: RETRY_MAX_MS,
      auth: (give) => give(session.token === undefined ? {} : { token: session.token }),
    });
    this.#socket.on('connect', () => this.#connected());
    this.#socket.on('disconnect', (reason) => {
      // our own doing, to come back at once with another token
      if (reason === 'io client disconnect' && this.#connection === 'connected') {
        this.#connection = 'connecting';
        return;
      }
      this.#lose();
      // the gateway ended it, for its token is void: with another one it may come back, and without one a visitor may
      if (reason === 'io server disconnect') this.#again();
    });
    this.#socket.on('connect_error', (error: Error & { data?: { code?: string } }) => {
      const code = error.data?.code;
      // a visitor may come in where its token may not
      if (code === 'unauthorized' && session.token !== undefined) return session.end();
      if (code === 'unauthorized' || code === 'forbidden') this.#connection = 'refused';
      else this.#lose();
      // what the gateway itself refused is not tried again by the library
      if (!this.#socket.active && this.#connection !== 'refused') this.#again();
    });
    session.onChange(() => {
      if (this.#connection !== 'connecting') this.#reconnect();
    });
    // a network that goes away says nothing to a connection that is quiet
    addEventListener('offline', () => this.#lose());
    addEventListener('online', () => this.#reconnect());
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** When the connection went, in milliseconds since 1970. */
  get lostAt(): number | undefined {
    return this.#lostAt;
  }

  start(): void {
    this.#socket.connect();
  }

  /** @returns the function that ends it */
  on<Name extends keyof LiveEvents>(name: Name, listener: (payload: LiveEvents[Name]) => void): () => void {
    const heard = listener as (payload: unknown) => void;
    this.#socket.on(name as string, heard);
    return () => this.#socket.off(name as string, heard);
  }

  /**
   * Called whenever there is a connection, the first one included: what happened before it, since the page asked, was told
   * to nobody, and is to be fetched.
   */
  onConnected(listener: () => void): () => void {
    this.#whenConnected.add(listener);
    return () => this.#whenConnected.delete(listener);
  }

  #connected(): void {
    this.#connection = 'connected';
    this.#lostAt = undefined;
    for (const listener of this.#whenConnected) listener();
  }

  #lose(): void {
    this.#connection = 'lost';
    this.#lostAt ??= Date.now();
  }

  #again(): void {
    setTimeout(() => this.#socket.connect(), RETRY_MS * (1 + Math.random()));
  }

  #reconnect(): void {
    this.#socket.disconnect();
    this.#socket.connect();
  }
}

export const live = new Live();
