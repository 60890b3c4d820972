/** Install codes (Zigbee Base Device Behavior 3.0.1, 10.1): the code with its CRC, and the link key made from it. */
import { createCipheriv } from 'node:crypto';

const BLOCK_BYTES = 16;

/** @returns the code with the CRC behind it (CRC-16/X-25, the low byte first) */
export function withCrc(code: Buffer): Buffer {
  let crc = 0xffff;
  for (const byte of code) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  }
  crc ^= 0xffff;
  return Buffer.concat([code, Buffer.from([crc & 0xff, crc >>> 8])]);
}

/** The link key: AES-MMO hash of code and CRC (Zigbee, B.6; a Matyas-Meyer-Oseas chain of AES-128). */
export function hashInstallCode(code: Buffer): Buffer {
  const padded = Buffer.alloc(Math.ceil((code.length + 3) / BLOCK_BYTES) * BLOCK_BYTES);
  code.copy(padded);
  padded[code.length] = 0x80;
  padded.writeUInt16BE(code.length * 8, padded.length - 2);
  let hash: Buffer = Buffer.alloc(BLOCK_BYTES);
  for (let offset = 0; offset < padded.length; offset += BLOCK_BYTES) {
    const block = padded.subarray(offset, offset + BLOCK_BYTES);
    const cipher = createCipheriv('aes-128-ecb', hash, null).setAutoPadding(false);
    const encrypted = Buffer.concat([cipher.update(block), cipher.final()]);
    hash = Buffer.from(encrypted.map((byte, index) => byte ^ (block[index] ?? 0)));
  }
  return hash;
}
