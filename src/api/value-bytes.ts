/**
 * The values of one attribute in dojot's form, as bytes. An entry of 140 bytes differs from the one before it in the
 * digits of its time and in its value: it is copied, and these are written over. Made as text and encoded it took
 * five times as long (decision 0015).
 */
import type { HistoryValues } from '../model/history.ts';
import type { JsonValue } from '../model/json.ts';
import { HOUR_MS, isoMicrosecondsWriter, MINUTE_MS } from './iso-time.ts';
import { NUMBER_BYTES_MAX, writeNumber, writeThree, writeTwo } from './number-digits.ts';

const PIECE_BYTES = 65_536;
/** UTF-8 of one UTF-16 unit, at most. */
const BYTES_A_CHAR_MAX = 3;
/** Up to which character two times of one hour are the same: `2018-02-14T13:`. */
const HOUR_CHARS = 14;

export interface ValueSource {
  deviceId: string;
  protocol: string;
  attribute: string;
}

/** The entries with commas between them, in pieces that are the caller's to keep. */
export function* valueBytes(
  source: ValueSource,
  { times, values, clocks }: HistoryValues,
): Generator<Buffer | string> {
  if (times.length === 0) return;
  if (clocks) {
    yield* markedEntries(source, { times, values, clocks });
    return;
  }
  const iso = isoMicrosecondsWriter();
  const before = `{"device_id":${JSON.stringify(source.deviceId)},"ts":"`;
  const after = `","metadata":${JSON.stringify({ protocol: source.protocol, payload: 'json' })},"value":`;
  const end = `,"attr":${JSON.stringify(source.attribute)}}`;
  // what stands between two values: the end of one entry and the begin of the next
  const between = Buffer.from(`${end},${before}${iso(0)}${after}`);
  const timeAt = Buffer.byteLength(`${end},${before}`);
  const room = between.length + NUMBER_BYTES_MAX;
  const pieceBytes = Math.max(PIECE_BYTES, room);
  let piece = Buffer.allocUnsafe(pieceBytes);
  // the first has none before it
  let from = Buffer.byteLength(`${end},`);
  let at = 0;
  /** Where this piece has an entry of the same hour. */
  let alike: number | undefined;
  let hour: number | undefined;
  for (let index = 0; index < times.length; index += 1) {
    const ts = times[index] as number;
    const value = values[index] as JsonValue;
    const text = typeof value === 'number' ? '' : JSON.stringify(value);
    const textBytesMax = text.length * BYTES_A_CHAR_MAX;
    if (at + room + textBytesMax > pieceBytes && at > 0) {
      yield piece.subarray(from, at);
      piece = Buffer.allocUnsafe(pieceBytes);
      [from, at, alike] = [0, 0, undefined];
    }
    const inHour = Math.floor(ts / HOUR_MS);
    if (inHour !== hour) {
      between.write(iso(inHour * HOUR_MS).slice(0, HOUR_CHARS), timeAt);
      [hour, alike] = [inHour, undefined];
    }
    if (alike === undefined) piece.set(between, at);
    else piece.copyWithin(at, alike, alike + between.length);
    alike = at;
    writeWithinHour(piece, at + timeAt + HOUR_CHARS, ts - inHour * HOUR_MS);
    at += between.length;
    if (typeof value === 'number') at = writeNumber(piece, at, value);
    else if (room + textBytesMax <= pieceBytes) at += piece.write(text, at);
    else {
      yield piece.subarray(from, at);
      yield text;
      piece = Buffer.allocUnsafe(pieceBytes);
      [from, at, alike] = [0, 0, undefined];
    }
  }
  yield piece.subarray(from, at);
  yield end;
}

/** Rare, and so simple. */
function* markedEntries(source: ValueSource, { times, values, clocks }: HistoryValues): Generator<string> {
  const iso = isoMicrosecondsWriter();
  const { deviceId: device_id, protocol, attribute: attr } = source;
  const metadata = { protocol, payload: 'json' };
  for (const [index, ts] of times.entries()) {
    const entry = { device_id, ts: iso(ts), metadata, value: values[index], attr, clock: clocks?.get(index) };
    yield `${index > 0 ? ',' : ''}${JSON.stringify(entry)}`;
  }
}

/** `43:33.306`, of which the marks are there. */
function writeWithinHour(buffer: Buffer, at: number, ms: number): void {
  const minute = (ms / MINUTE_MS) | 0;
  const inMinute = ms - minute * MINUTE_MS;
  const second = (inMinute / 1_000) | 0;
  writeTwo(buffer, at, minute);
  writeTwo(buffer, at + 3, second);
  writeThree(buffer, at + 6, inMinute - second * 1_000);
}
