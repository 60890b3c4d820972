/**
 * Follows a stream of MQTT packets by their fixed headers alone (MQTT 3.1.1 and 5, 2.2), so that one which says it is
 * too large is known before any of it is kept.
 */

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
