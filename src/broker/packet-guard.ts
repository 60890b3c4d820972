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
export function guardPackets(socket: Socket, maxBytes: number): Duplex {
  const lengths = new PacketLengths(maxBytes);
  const guarded = new Duplex({
    allowHalfOpen: false,
    read: () => {
      socket.resume();
    },
    write: (chunk, _encoding, done) => {
      socket.write(chunk, done);
    },
    writev: (chunks, done) => {
      socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done);
    },
    final: (done) => {
      socket.end(done);
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    try {
      lengths.take(chunk);
    } catch (error) {
      guarded.destroy(error as Error);
      return;
    }
    // the broker reads no further while it waits for a commit: neither do we
    if (!guarded.push(chunk)) socket.pause();
  });
  socket.on('end', () => guarded.push(null));
  socket.on('error', (error) => guarded.destroy(error));
  socket.on('close', () => guarded.destroy());
  return guarded;
}
