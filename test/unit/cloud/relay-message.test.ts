import assert from 'node:assert/strict';
import fc from 'fast-check';
import { listMessage, liveMessage } from '../../../src/cloud/relay/relay-message.ts';
import type { RelayedReading, RelayItem } from '../../../src/model/relay.ts';

const LIMITS = { messageBytes: 10_000, listBytes: 10_000 };

const reading = (seq: number, text = ''): RelayedReading => ({
  id: String(seq).padStart(24, '0'),
  deviceId: 'lamp',
  ts: 1_700_000_000_000,
  seq,
  data: { text },
});

describe('messages of the relay', () => {
  it('of a live reading have exactly the keys of the contract', () => {
    const message = liveMessage(reading(7, 'ü'), 1_000);
    assert.deepEqual(JSON.parse(message?.payload ?? ''), reading(7, 'ü'));
    assert.deepEqual(Object.keys(JSON.parse(message?.payload ?? '')), [
      'id',
      'deviceId',
      'ts',
      'seq',
      'data',
    ]);
    assert.equal(message?.bytes, Buffer.byteLength(message?.payload ?? ''));
  });

  it('take as many readings as fit, counted in bytes, and no more', () => {
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 400, max: 3_000 }), (chosen, maxBytes) => {
        const items = chosen.map((text, at) => reading(at + 1, text));
        const message = listMessage(items, { messageBytes: maxBytes, listBytes: maxBytes });
        assert.ok(message);
        assert.equal(Buffer.byteLength(message.payload), message.bytes);
        assert.ok(message.bytes <= maxBytes);
        assert.deepEqual(
          JSON.parse(message.payload),
          JSON.parse(JSON.stringify(items.slice(0, message.last))),
        );
        const next = items[message.last];
        if (next) assert.ok(message.bytes + 1 + Buffer.byteLength(JSON.stringify(next)) > maxBytes);
      }),
      { numRuns: 50 },
    );
  });

  it('say what was dropped in its place, and count it', () => {
    const items: RelayItem[] = [reading(1), { dropped: { fromSeq: 2, toSeq: 9 } }, reading(10)];
    const message = listMessage(items, LIMITS);
    assert.deepEqual(JSON.parse(message?.payload ?? ''), items);
    assert.deepEqual([message?.readings, message?.dropped, message?.last], [2, 8, 10]);
  });

  it('tell a reading that no message has room for as dropped, and go on', () => {
    const items = [reading(1), reading(2, 'x'.repeat(500)), reading(3)];
    assert.equal(liveMessage(items[1] as RelayItem, 400), undefined);
    const message = listMessage(items, { messageBytes: 400, listBytes: 400 });
    const told = JSON.parse(message?.payload ?? '') as unknown[];
    assert.deepEqual(told, [items[0], { dropped: { fromSeq: 2, toSeq: 2 } }, items[2]]);
  });

  it('are lists of the length that is aimed at, but for a reading that is longer by itself', () => {
    const items = [reading(1), reading(2), reading(3, 'x'.repeat(500)), reading(4)];
    const limits = { messageBytes: 1_000, listBytes: 300 };
    assert.equal(listMessage(items, limits)?.last, 2);
    const long = listMessage(items.slice(2), limits);
    assert.deepEqual([long?.last, long?.readings], [3, 1]);
  });

  it('are none where there is nothing to send', () => assert.equal(listMessage([], LIMITS), undefined));
});
