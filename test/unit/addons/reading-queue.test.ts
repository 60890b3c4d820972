import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type OutgoingReading, ReadingQueue } from '../../../addons/sdk/src/reading-queue.ts';

describe('the queue of readings', () => {
  let sent: OutgoingReading[];
  let dropped: number;

  beforeEach(() => {
    sent = [];
    dropped = 0;
  });

  function createQueue(capacity = 10, inFlightMax = 3): ReadingQueue {
    const onDropped = () => {
      dropped += 1;
    };
    return new ReadingQueue({ send: (reading) => sent.push(reading), onDropped, capacity, inFlightMax });
  }

  function push(queue: ReadingQueue, ...payloads: string[]): void {
    for (const payload of payloads) queue.push('t', payload);
  }

  const payloads = () => sent.map(({ payload }) => payload);

  it('keeps readings until a connection stands, then sends them in their order', () => {
    const queue = createQueue();
    push(queue, 'a', 'b');
    assert.deepEqual(payloads(), []);
    queue.open();
    assert.deepEqual(payloads(), ['a', 'b']);
    assert.equal(queue.unacknowledged, 2);
  });

  it('sends no more than its window before acknowledgements come', () => {
    const queue = createQueue();
    queue.open();
    push(queue, 'a', 'b', 'c', 'd', 'e');
    assert.deepEqual(payloads(), ['a', 'b', 'c']);
    queue.acknowledge(sent[0]?.packetId ?? 0);
    assert.deepEqual(payloads(), ['a', 'b', 'c', 'd']);
  });

  it('bounds what is under way by its size too', () => {
    const queue = createQueue();
    queue.open();
    push(queue, 'x'.repeat(700_000), 'y'.repeat(700_000));
    assert.equal(sent.length, 1);
    queue.acknowledge(sent[0]?.packetId ?? 0);
    assert.equal(sent.length, 2);
  });

  it('sends what was not acknowledged again after a broken connection, in order and marked as repeated', () => {
    const queue = createQueue();
    queue.open();
    push(queue, 'a', 'b', 'c', 'd');
    queue.acknowledge(sent[1]?.packetId ?? 0);
    queue.close();
    sent = [];
    queue.open();
    assert.deepEqual(
      sent.map(({ payload, dup }) => [payload, dup]),
      [
        ['a', true],
        ['c', true],
        ['d', true],
      ],
    );
    push(queue, 'e');
    queue.acknowledge(sent[0]?.packetId ?? 0);
    assert.deepEqual([sent[3]?.payload, sent[3]?.dup], ['e', false]);
  });

  it('gives up the oldest reading when it is full, and counts it', () => {
    const queue = createQueue(3);
    push(queue, 'a', 'b', 'c', 'd', 'e');
    assert.equal(dropped, 2);
    queue.open();
    assert.deepEqual(payloads(), ['c', 'd', 'e']);
  });

  it('takes no harm from an acknowledgement of a reading that it has given up', () => {
    const queue = createQueue(3);
    queue.open();
    push(queue, 'a', 'b', 'c');
    const first = sent[0]?.packetId ?? 0;
    push(queue, 'd');
    queue.acknowledge(first);
    queue.acknowledge(59_999);
    assert.equal(queue.unacknowledged, 3);
    for (const { packetId } of sent) queue.acknowledge(packetId);
    assert.equal(queue.unacknowledged, 0);
  });

  it('lets a fast source wait for room and for the last acknowledgement', async () => {
    const queue = createQueue();
    queue.open();
    push(queue, 'a', 'b');
    let room = false;
    const waited = queue.below(2).then(() => {
      room = true;
    });
    await Promise.resolve();
    assert.equal(room, false);
    queue.acknowledge(sent[1]?.packetId ?? 0);
    await waited;
    const empty = queue.below(1);
    queue.acknowledge(sent[0]?.packetId ?? 0);
    await empty;
    await queue.below(1);
  });

  it('keeps its packet ids apart over more readings than there are ids', () => {
    const queue = createQueue();
    queue.open();
    for (let count = 0; count < 130_000; count += 1) {
      queue.push('t', String(count));
      queue.acknowledge(sent.pop()?.packetId ?? 0);
    }
    assert.equal(queue.unacknowledged, 0);
  });

  it('loses nothing but what it says it gave up, whatever happens to the connection', () => {
    const step = fc.oneof(
      fc.constant('push' as const),
      fc.constant('cut' as const),
      fc.nat(5).map((index) => ({ acknowledge: index })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const acknowledged = new Set<string>();
        let onWire: OutgoingReading[] = [];
        let given = 0;
        let lost = 0;
        const queue = new ReadingQueue({
          send: (reading) => onWire.push(reading),
          onDropped: () => {
            lost += 1;
          },
          capacity: 8,
          inFlightMax: 4,
        });
        const acknowledge = (index: number) => {
          const [reading] = onWire.splice(index, 1);
          if (!reading) return;
          const before = queue.unacknowledged;
          queue.acknowledge(reading.packetId);
          if (queue.unacknowledged < before) acknowledged.add(reading.payload);
        };
        queue.open();
        for (const each of steps) {
          if (each === 'push') queue.push('t', String(given++));
          else if (each === 'cut') {
            queue.close();
            onWire = [];
            queue.open();
          } else acknowledge(each.acknowledge);
          const order = onWire.map(({ payload }) => Number(payload));
          assert.deepEqual(
            order,
            order.toSorted((one, other) => one - other),
          );
        }
        while (onWire.length > 0) acknowledge(0);
        assert.equal(queue.unacknowledged, 0);
        assert.equal(acknowledged.size + lost, given);
      }),
    );
  });
});
