/**
 * An error told on a connection that no HTTP response object stands for: what is not HTTP, a WebSocket handshake that
 * is refused, plain HTTP where TLS is spoken. In the API's own error form; the connection ends with it.
 */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { answerOf } from './error-table.ts';

/** A peer that keeps its half open must not keep ours for longer. */
const LINGER_MS = 2_000;

/** The whole answer, head and body. */
export function rawAnswer(thrown: unknown): string {
  const { status, headers, body } = answerOf(thrown);
  const text = JSON.stringify(body);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
    '',
    text,
  ].join('\r\n');
}

/** Answers and closes. What the peer still sends is read and dropped: unread, it would cost it the answer. */
export function answerAndClose(connection: Duplex, thrown: unknown): void {
  if (!connection.writable) {
    connection.destroy();
    return;
  }
  connection.on('error', () => connection.destroy());
  const linger = setTimeout(() => connection.destroy(), LINGER_MS);
  connection.once('close', () => clearTimeout(linger));
  connection.once('end', () => connection.destroy());
  connection.resume();
  connection.end(rawAnswer(thrown));
}
