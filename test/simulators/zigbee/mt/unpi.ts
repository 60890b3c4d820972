/**
 * UNPI framing, the serial protocol between a host and a TI network processor (TI "Unified Network Processor
 * Interface"; "Z-Stack Monitor and Test API", section 2): `FE, length, type and subsystem, command, data, check`,
 * where the check is the exclusive or of everything between FE and itself.
 */

const START_OF_FRAME = 0xfe;
const DATA_MAX_BYTES = 250;

/** Synchronous request, asynchronous request (both ways), synchronous response. */
export const SREQ = 1;
export const AREQ = 2;
export const SRSP = 3;

export interface UnpiFrame {
  type: number;
  subsystem: number;
  command: number;
  data: Buffer;
}

export function encodeUnpi(type: number, subsystem: number, command: number, data: Buffer): Buffer {
  if (data.length > DATA_MAX_BYTES) throw new RangeError(`a frame takes ${DATA_MAX_BYTES} bytes of data`);
  const frame = Buffer.allocUnsafe(data.length + 5);
  frame[0] = START_OF_FRAME;
  frame[1] = data.length;
  frame[2] = (type << 5) | subsystem;
  frame[3] = command;
  data.copy(frame, 4);
  frame[frame.length - 1] = check(frame);
  return frame;
}

function check(frame: Buffer): number {
  let sum = 0;
  for (let index = 1; index < frame.length - 1; index += 1) sum ^= frame[index] ?? 0;
  return sum;
}

/** Finds frames in a stream of bytes. What is no frame, or has a wrong check, is passed over and counted. */
export class UnpiParser {
  discardedBytes = 0;
  #waiting: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): UnpiFrame[] {
    const bytes = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    const frames: UnpiFrame[] = [];
    let position = 0;
    while (position < bytes.length) {
      if (bytes[position] !== START_OF_FRAME) {
        position += 1;
        this.discardedBytes += 1;
        continue;
      }
      const length = (bytes[position + 1] ?? 0) + 5;
      if (position + 2 > bytes.length || position + length > bytes.length) break;
      const frame = bytes.subarray(position, position + length);
      if (frame[length - 1] !== check(frame)) {
        position += 1;
        this.discardedBytes += 1;
        continue;
      }
      const control = frame[2] ?? 0;
      const data = Buffer.from(frame.subarray(4, length - 1));
      frames.push({ type: control >> 5, subsystem: control & 0x1f, command: frame[3] ?? 0, data });
      position += length;
    }
    this.#waiting = Buffer.from(bytes.subarray(position));
    return frames;
  }
}
