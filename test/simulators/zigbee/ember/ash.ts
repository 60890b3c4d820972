/**
 * ASH, the serial protocol between a host and an EmberZNet network processor, on the processor's side (Silicon Labs
 * UG101, "UART-EZSP Gateway Protocol Reference"): frames between flag bytes, reserved bytes escaped, a CRC, data fields
 * made random, frame numbers of three bits. The line of this simulator loses nothing, so nothing is sent twice. A frame is
 * sent once the host has acknowledged the one before: it takes them one by one, as from a slow serial line.
 */

const FLAG = 0x7e;
const ESCAPE = 0x7d;
const CANCEL = 0x1a;
const FLIP = 0x20;
/** Flag, escape, XON, XOFF, substitute, cancel. */
const RESERVED = new Set([FLAG, ESCAPE, 0x11, 0x13, 0x18, CANCEL]);
const RST = 0xc0;
const RSTACK = 0xc1;
const ACK = 0x80;
/** Bits of a short frame that say whether it acknowledges, gladly or not, and of each frame the number it expects next. */
const KIND = 0xe0;
const NOT_TAKEN = 0xa0;
const EXPECTED = 0x07;
const VERSION = 2;
/** Frames that wait for the host. */
const WAITING_MAX = 256;
const RESET_BY_SOFTWARE = 0x0b;
const CRC_BYTES = 2;

export interface AshEvents {
  /** Bytes for the line. */
  send: (bytes: Buffer) => void;
  /** The host has reset the processor. */
  onReset: () => void;
  /** What a data frame carries. */
  onData: (data: Buffer) => void;
}

export class AshProcessor {
  readonly #events: AshEvents;
  #partial: number[] = [];
  #escaped = false;
  /** The number of the next frame to each side. */
  #toHost = 0;
  #fromHost = 0;
  readonly #waiting: Buffer[] = [];
  #isAcknowledged = true;

  constructor(events: AshEvents) {
    this.#events = events;
  }

  /** Bytes of the host. */
  push(bytes: Buffer): void {
    for (const byte of bytes) {
      if (byte === CANCEL) this.#drop();
      else if (byte === FLAG) {
        const frame = Buffer.from(this.#partial);
        this.#drop();
        this.#receive(frame);
      } else if (byte === ESCAPE) this.#escaped = true;
      else {
        this.#partial.push(this.#escaped ? byte ^ FLIP : byte);
        this.#escaped = false;
      }
    }
  }

  /** A host that takes nothing for long misses what was first. */
  sendData(data: Buffer): void {
    if (this.#waiting.length >= WAITING_MAX) this.#waiting.shift();
    this.#waiting.push(data);
    this.#sendNext();
  }

  /** The host is another one, or has begun anew. */
  forget(): void {
    this.#drop();
    this.#waiting.length = 0;
    this.#isAcknowledged = true;
    this.#toHost = 0;
    this.#fromHost = 0;
  }

  #sendNext(): void {
    const data = this.#isAcknowledged ? this.#waiting.shift() : undefined;
    if (!data) return;
    this.#isAcknowledged = false;
    const control = (this.#toHost << 4) | this.#fromHost;
    this.#toHost = (this.#toHost + 1) & 7;
    this.#write(control, randomised(data));
  }

  #drop(): void {
    this.#partial = [];
    this.#escaped = false;
  }

  #receive(frame: Buffer): void {
    if (frame.length <= CRC_BYTES) return;
    const body = frame.subarray(0, -CRC_BYTES);
    if (crcOf(body) !== frame.readUInt16BE(body.length)) return;
    const control = body[0] as number;
    if (control === RST) {
      this.forget();
      this.#events.onReset();
      this.#write(RSTACK, Buffer.from([VERSION, RESET_BY_SOFTWARE]));
      return;
    }
    const isData = (control & 0x80) === 0;
    if (isData || (control & KIND) === ACK || (control & KIND) === NOT_TAKEN)
      this.#isAcknowledged ||= (control & EXPECTED) === this.#toHost;
    if (isData) {
      if (control >> 4 === this.#fromHost) {
        this.#fromHost = (this.#fromHost + 1) & 7;
        this.#events.onData(randomised(body.subarray(1)));
      }
      this.#write(ACK | this.#fromHost, Buffer.alloc(0));
    }
    this.#sendNext();
  }

  #write(control: number, data: Buffer): void {
    const body = Buffer.concat([Buffer.from([control]), data]);
    const crc = crcOf(body);
    const line: number[] = [];
    for (const byte of [...body, crc >> 8, crc & 0xff]) {
      if (RESERVED.has(byte)) line.push(ESCAPE, byte ^ FLIP);
      else line.push(byte);
    }
    this.#events.send(Buffer.from([...line, FLAG]));
  }
}

/** CRC-CCITT, from 0xffff (UG101, 2.3). */
function crcOf(bytes: Buffer): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

/** There and back (UG101, 4.3). */
function randomised(data: Buffer): Buffer {
  let random = 0x42;
  return Buffer.from(
    [...data].map((byte) => {
      const out = byte ^ random;
      random = random & 1 ? (random >> 1) ^ 0xb8 : random >> 1;
      return out;
    }),
  );
}
