/** What the relay sends, as text, within the size that a message may have. Pure. */
import type { DroppedReadings, RelayItem } from '../../model/relay.ts';
import type { RelayLimits } from './relay-limits.ts';

export interface RelayMessage {
  payload: string;
  bytes: number;
  /** The last number in it. */
  last: number;
  /** How many readings are in it, and how many it says were dropped. */
  readings: number;
  dropped: number;
}

export const numbersIn = (item: RelayItem): { first: number; last: number } =>
  'dropped' in item
    ? { first: item.dropped.fromSeq, last: item.dropped.toSeq }
    : { first: item.seq, last: item.seq };

/**
 * One reading by itself, as it is sent live; undefined where it has to go as part of a list: it was dropped, or is
 * larger than any message may be.
 */
export function liveMessage(item: RelayItem, maxBytes: number): RelayMessage | undefined {
  if ('dropped' in item) return undefined;
  const payload = JSON.stringify(item);
  const bytes = Buffer.byteLength(payload);
  return bytes > maxBytes ? undefined : { payload, bytes, last: item.seq, readings: 1, dropped: 0 };
}

/**
 * As many of the items, from the first on, as go into one list. A reading that fits into no message is told as
 * dropped: it could never be sent, and whoever counts the numbers must not wait for it.
 * @returns undefined where there are no items
 */
export function listMessage(
  items: Iterable<RelayItem>,
  { messageBytes, listBytes }: Pick<RelayLimits, 'messageBytes' | 'listBytes'>,
): RelayMessage | undefined {
  const aimBytes = Math.min(messageBytes, listBytes);
  const message = { payload: '[', bytes: 2, last: 0, readings: 0, dropped: 0 };
  for (const found of items) {
    const { item, text, bytes } = fitting(found, messageBytes - 2);
    const separator = message.last === 0 ? '' : ',';
    if (message.last > 0 && message.bytes + separator.length + bytes > aimBytes) break;
    const { first, last } = numbersIn(item);
    message.payload += separator + text;
    message.bytes += separator.length + bytes;
    message.last = last;
    if ('dropped' in item) message.dropped += last - first + 1;
    else message.readings += 1;
  }
  if (message.last === 0) return undefined;
  return { ...message, payload: `${message.payload}]` };
}

function fitting(found: RelayItem, maxBytes: number): { item: RelayItem; text: string; bytes: number } {
  const text = JSON.stringify(found);
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes || 'dropped' in found) return { item: found, text, bytes };
  const item: DroppedReadings = { dropped: { fromSeq: found.seq, toSeq: found.seq } };
  const instead = JSON.stringify(item);
  return { item, text: instead, bytes: instead.length };
}
