/**
 * What a radio hears beside good frames: frames of devices with faults, of makers' dialects, of attackers, and bytes that
 * are none. Made from a seed, so that what went wrong once can be sent again. Half of them are good frames that were
 * bent a little, for those get furthest into a program; the rest is chance.
 */
import { ByteWriter } from './bytes.ts';
import { AF, SYS, UTIL, ZDO } from './mt/numbers.ts';
import { AREQ, encodeUnpi, SRSP } from './mt/unpi.ts';

/** Clusters that converters look at, and some that nobody knows. */
const CLUSTERS = [
  0x0000, 0x0001, 0x0003, 0x0004, 0x0005, 0x0006, 0x0008, 0x000a, 0x0019, 0x0020, 0x0021, 0x0102, 0x0201,
  0x0204, 0x0300, 0x0400, 0x0402, 0x0405, 0x0406, 0x042a, 0x0500, 0x0501, 0x0502, 0x0702, 0x0b04, 0x0b05,
  0x1000, 0xe000, 0xe001, 0xef00, 0xfc00, 0xfc02, 0xfc11, 0xfc7e, 0xfcc0, 0xffff,
];
/** Data types of ZCL 8, 2.6.2, the greedy ones more than once. */
const TYPES = [
  0x00, 0x08, 0x10, 0x18, 0x20, 0x21, 0x25, 0x27, 0x29, 0x2b, 0x30, 0x38, 0x39, 0x3a, 0x41, 0x42, 0x43, 0x44,
  0x48, 0x48, 0x4c, 0x4c, 0x50, 0x51, 0xe0, 0xe2, 0xe8, 0xea, 0xf0, 0xf1, 0xff,
];
const MANUFACTURERS = [0x115f, 0x1286, 0x117c, 0x1166, 0x100b, 0x1021, 0xffff];

export class WildFrames {
  readonly #random: () => number;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  cluster(): number {
    return this.#random() < 0.9 ? this.of(CLUSTERS) : this.below(0x1_0000);
  }

  /** A ZCL frame as it comes from a device. */
  zcl(): Buffer {
    const frame = this.of([
      () => this.#report(),
      () => this.#command(),
      () => this.#dialect(),
      () => this.bytes(this.below(80)),
    ])();
    return this.#random() < 0.6 ? this.#bent(frame) : frame;
  }

  /** A frame of the stick, whole but with chance in it, or what is no frame at all. */
  mt(): Buffer {
    const kind = this.#random();
    if (kind < 0.15) return this.bytes(1 + this.below(60));
    const subsystem = this.of([SYS, AF, ZDO, UTIL, this.below(32)]);
    const data = this.bytes(this.below(60));
    // a reset of the stick would be believed: that is no frame from the air
    const command = subsystem === SYS ? 0x81 + this.below(100) : this.below(256);
    const frame = encodeUnpi(this.#random() < 0.9 ? AREQ : SRSP, subsystem, command, data);
    return kind < 0.3 ? this.#bent(frame) : frame;
  }

  #head(global: boolean): ByteWriter {
    const manufacturer = this.#random() < 0.3 ? this.of(MANUFACTURERS) : undefined;
    const control = (global ? 0 : 1) | (manufacturer === undefined ? 0 : 4) | (this.below(4) << 3);
    const head = new ByteWriter().u8(control);
    if (manufacturer !== undefined) head.u16(manufacturer);
    return head.u8(this.below(256));
  }

  /** A report or an answer to a reading, of attributes of any type. */
  #report(): Buffer {
    const command = this.of([0x0a, 0x0a, 0x01, 0x04, 0x07, 0x0b, this.below(24)]);
    const frame = this.#head(true).u8(command);
    for (let count = this.below(5); count >= 0; count -= 1) {
      frame.u16(this.#random() < 0.8 ? this.below(0x30) : this.below(0x1_0000));
      if (command === 0x01) frame.u8(this.of([0, 0, 0, 0x86]));
      const type = this.of(TYPES);
      frame.u8(type).bytes([...this.bytes(this.of([0, 1, 1, 2, 2, 4, 8, 20]))]);
    }
    return frame.done();
  }

  #command(): Buffer {
    const frame = this.#head(false).u8(this.of([0, 1, 2, 3, 4, 5, 6, 7, 0x24, this.below(256)]));
    return Buffer.concat([frame.done(), this.bytes(this.below(30))]);
  }

  /** Of makers that put frames of their own into attributes (Xiaomi) or commands (Tuya). */
  #dialect(): Buffer {
    if (this.#random() < 0.5) {
      const inner = Buffer.concat(
        Array.from({ length: this.below(8) }, () =>
          Buffer.concat([Buffer.from([this.below(256), this.of(TYPES)]), this.bytes(this.below(5))]),
        ),
      );
      const attribute = this.of([0xff01, 0xff02, 0x00f7]);
      const length = this.#random() < 0.8 ? inner.length : this.below(256);
      return Buffer.concat([
        this.#head(true)
          .u8(0x0a)
          .u16(attribute)
          .u8(this.of([0x41, 0x42, 0x4c]))
          .u8(length)
          .done(),
        inner,
      ]);
    }
    const frame = this.#head(false).u8(this.of([1, 2, 6, 0x24]));
    frame.u16(this.below(0x1_0000));
    for (let count = this.below(4); count >= 0; count -= 1) {
      const data = this.bytes(this.below(12));
      const length = this.#random() < 0.8 ? data.length : this.below(0x1_0000);
      frame
        .u8(this.below(256))
        .u8(this.below(6))
        .u8(length >> 8)
        .u8(length & 0xff)
        .bytes([...data]);
    }
    return frame.done();
  }

  /** A bit more, a bit less, a bit other. */
  #bent(frame: Buffer): Buffer {
    const bent = Buffer.from(frame);
    if (bent.length === 0) return bent;
    switch (this.below(4)) {
      case 0:
        return bent.subarray(0, this.below(bent.length));
      case 1:
        return Buffer.concat([bent, this.bytes(1 + this.below(20))]);
      case 2:
        bent[this.below(bent.length)] = 0xff;
        return bent;
      default:
        for (let count = this.below(4); count >= 0; count -= 1) {
          const at = this.below(bent.length);
          bent[at] = (bent[at] ?? 0) ^ (1 << this.below(8));
        }
        return bent;
    }
  }
}
