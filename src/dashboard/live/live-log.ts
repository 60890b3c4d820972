/**
 * Log lines as they are written, on a socket of their own: the gateway tells them to who asks for them by name, and only
 * while the page that shows them is open.
 */
import { io } from 'socket.io-client';
import { session } from '../session/session.svelte.ts';

export interface LiveLine {
  message: string;
  type: 'LOG' | 'ERR';
  timestamp: number;
  level?: string;
}
export interface LiveLog {
  log: string;
  lines: LiveLine[];
}

export interface LiveLogListener {
  onLines: (written: LiveLog) => void;
  /** Lines may have been missed before. */
  onConnected: () => void;
  onLost: () => void;
}

/** @returns the function that ends it */
export function followLogs({ onLines, onConnected, onLost }: LiveLogListener): () => void {
  const socket = io({
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    // a connection of its own: the query is that of the handshake
    forceNew: true,
    query: { events: 'live_log' },
    auth: (give) => give(session.token === undefined ? {} : { token: session.token }),
  });
  socket.on('live_log', onLines);
  socket.on('connect', onConnected);
  socket.on('disconnect', onLost);
  const dispose = session.onChange(() => socket.disconnect().connect());
  return () => {
    dispose();
    socket.disconnect();
  };
}
