/**
 * Stands between a socket and the broker and reads only MQTT's fixed headers (MQTT 3.1.1, 2.2): a packet that says it
 * is larger than allowed ends the connection before any of it is kept. The broker's own parser has no such bound.
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export class PacketTooLargeError extends Error {
  constructor(bytes: number, maxBytes: number) {
    super(`a packet of ${bytes} bytes; at most ${maxBytes} are taken`);
    this.name = 'PacketTooLargeError';
  }
}

/** Follows a byte stream from fixed header to fixed header. */
export class PacketLengths {
  readonly #maxBytes: number;
  /** Bytes of the present packet that are still to come. */
  #body = 0;
  /** The remaining-length field as far as it was read, or undefined between packets. */
  #length: { value: number; shift: number } | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws PacketTooLargeError; also for a remaining length of more than four bytes */
  take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#body > 0) {
        const taken = Math.min(this.#body, chunk.length - at);
        this.#body -= taken;
        at += taken;
      } else if (this.#length === undefined) {
        this.#length = { value: 0, shift: 0 };
        at += 1;
      } else {
        this.#readLength(chunk[at] as number, this.#length);
        at += 1;
      }
    }
  }

  #readLength(byte: number, length: { value: number; shift: number }): void {
    length.value += (byte & 0x7f) * 2 ** length.shift;
    length.shift += 7;
    if (length.value > this.#maxBytes || length.shift > 28)
      throw new PacketTooLargeError(length.value, this.#maxBytes);
    if (byte & 0x80) return;
    this.#body = length.value;
    this.#length = undefined;
  }
}

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
