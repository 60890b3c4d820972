/**
 * Stands between a socket and the broker and reads only MQTT's fixed headers (MQTT 3.1.1, 2.2): a packet that says it
 * is larger than allowed ends the connection before any of it is kept. The broker's own parser has no such bound.
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { PacketLengths } from '../lib/packet-lengths.ts';

/** The guarded socket, for the broker to read from and write to. */
export class GuardedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #lengths: PacketLengths;
  #silence: NodeJS.Timeout | undefined;

  constructor(socket: Socket, maxBytes: number) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#lengths = new PacketLengths(maxBytes);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /**
   * Ends the connection when nothing comes for so long (MQTT 3.1.1, 3.1.2.10). The broker's own timer also runs while
   * it does not read because a commit takes long, as on a full disk: then silence is no fault of the add-on.
   */
  expectWithin(ms: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      if (this.#socket.isPaused()) this.#silence?.refresh();
      else this.destroy(new Error(`nothing was heard for ${ms} ms`));
    }, ms);
  }

  override _read(): void {
    this.#socket.resume();
    this.#silence?.refresh();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#silence);
    this.#socket.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    try {
      this.#lengths.take(chunk);
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    this.#silence?.refresh();
    // the broker reads no further while it waits for a commit: neither do we
    if (!this.push(chunk)) this.#socket.pause();
  }
}
