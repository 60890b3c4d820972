/**
 * Whether the store's log (`gate.db-wal`) is all that was once on disk. SQLite takes a log up to its first frame whose
 * checksum is wrong and passes over the rest in silence: after a power cut that is what nobody was promised; after a bit
 * that flipped, or a block that was lost, it is what was acknowledged. Looked at before SQLite opens the file.
 *
 * Format: https://www.sqlite.org/fileformat2.html#walformat, https://www.sqlite.org/walformat.html (2.1, the index).
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
const FORMAT = 3_007_000;
/** Read at a time. */
const CHUNK_FRAMES = 64;
const PAGE_BYTES_MAX = 65_536;
/** Of the index: two copies of its head, then how far the log was taken into the file. */
const INDEX_HEAD_BYTES = 48;
const INDEX_BACKFILL_AT = 96;

interface Sum {
  first: number;
  second: number;
}

/** What the index told other connections, as far as it is whole. It is never ahead of what was synced. */
interface IndexHead {
  frames: number;
  /** Of these, how many are in the file already. */
  backfilled: number;
  salts: Buffer;
}

/** @returns what of `path`'s log is surely damaged, in words; undefined where all is well, or a power cut may be all */
export function logDamage(path: string): string | undefined {
  const log = `${path}-wal`;
  // anything else in its place SQLite refuses itself
  if (statSync(log, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const file = openSync(log, 'r');
  try {
    const bytes = fstatSync(file).size;
    const index = indexHead(`${path}-shm`);
    if (bytes < HEADER_BYTES) {
      const lost = index !== undefined && index.frames > index.backfilled;
      return lost ? `${log} is empty, and was not` : undefined;
    }
    return damageIn({ file, bytes, index, log });
  } finally {
    closeSync(file);
  }
}

interface OpenLog {
  file: number;
  bytes: number;
  index: IndexHead | undefined;
  log: string;
}

function damageIn({ file, bytes, index, log }: OpenLog): string | undefined {
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(file, header, 0, HEADER_BYTES, 0);
  const magic = header.readUInt32BE(0);
  const little = magic === MAGIC;
  const pageBytes = header.readUInt32BE(8);
  let sum = added({ first: 0, second: 0 }, header.subarray(0, 24), little);
  const isHeader = (little || magic === MAGIC + 1) && header.readUInt32BE(4) === FORMAT;
  // it is synced before the first frame is written
  if (!isHeader || !isSum(sum, header, 24) || pageBytes > PAGE_BYTES_MAX || pageBytes < 512)
    return bytes > HEADER_BYTES ? `the head of ${log} is damaged` : undefined;
  const salts = header.subarray(16, 24);

  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const count = Math.floor((bytes - HEADER_BYTES) / frameBytes);
  /** Frames up to the end of the last transaction that SQLite will take. */
  let taken = 0;
  let broken = false;
  /** The frame before ended a transaction after the break. */
  let justEnded = false;
  for (let first = 0; first < count; first += CHUNK_FRAMES) {
    const frames = Math.min(CHUNK_FRAMES, count - first);
    const chunk = Buffer.alloc(frames * frameBytes);
    readSync(file, chunk, 0, chunk.length, HEADER_BYTES + first * frameBytes);
    for (let at = 0; at < frames; at += 1) {
      const frame = chunk.subarray(at * frameBytes, (at + 1) * frameBytes);
      const isOfThisLog = frame.compare(salts, 0, 8, 8, 16) === 0;
      // what an earlier log left behind: the end
      if (!isOfThisLog && broken) {
        justEnded = false;
        continue;
      }
      const expected = added(added(sum, frame.subarray(0, 8), little), frame.subarray(24), little);
      const isWhole = isOfThisLog && isSum(expected, frame, 16);
      const endsTransaction = frame.readUInt32BE(4) !== 0;
      if (!isWhole) broken = true;
      // a transaction follows one that had ended, and an end is synced before anything follows it
      else if (justEnded) return `${log} is damaged after its frame ${taken}`;
      justEnded = broken && isOfThisLog && endsTransaction;
      if (!broken && endsTransaction) taken = first + at + 1;
      // after a break, whether frames follow each other is told by what they say themselves
      sum = { first: frame.readInt32BE(16), second: frame.readInt32BE(20) };
    }
  }
  const isOfIndex = index?.salts.equals(salts) === true;
  if (isOfIndex && index.frames > taken && index.frames > index.backfilled)
    return `${log} had ${index.frames} frames, and ${taken} of them are whole`;
  return undefined;
}

/** The checksum of the log: over pairs of 32-bit words, in the byte order that its magic number names. */
function added({ first, second }: Sum, bytes: Buffer, little: boolean): Sum {
  let [s0, s1] = [first, second];
  for (let at = 0; at < bytes.length; at += 8) {
    s0 = (s0 + (little ? bytes.readInt32LE(at) : bytes.readInt32BE(at)) + s1) | 0;
    s1 = (s1 + (little ? bytes.readInt32LE(at + 4) : bytes.readInt32BE(at + 4)) + s0) | 0;
  }
  return { first: s0, second: s1 };
}

function isSum({ first, second }: Sum, bytes: Buffer, at: number): boolean {
  return bytes.readInt32BE(at) === first && bytes.readInt32BE(at + 4) === second;
}

function indexHead(path: string): IndexHead | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const bytes = readFileSync(path).subarray(0, INDEX_BACKFILL_AT + 4);
  if (bytes.length < INDEX_BACKFILL_AT + 4) return undefined;
  // in the byte order of the machine; both copies are alike but while they are written
  const isWhole = bytes.compare(bytes, 0, INDEX_HEAD_BYTES, INDEX_HEAD_BYTES, 2 * INDEX_HEAD_BYTES) === 0;
  if (!isWhole || bytes.readUInt32LE(0) !== FORMAT || bytes[12] !== 1) return undefined;
  return {
    frames: bytes.readUInt32LE(16),
    backfilled: bytes.readUInt32LE(INDEX_BACKFILL_AT),
    salts: bytes.subarray(32, 40),
  };
}
