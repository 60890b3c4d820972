import assert from 'node:assert/strict';
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import { PacketLengths, PacketTooLargeError } from '../../../src/lib/packet-lengths.ts';

function publish(bytes: number): Buffer {
  return mqttPacket.generate({
    cmd: 'publish',
    topic: 't',
    payload: Buffer.alloc(bytes),
    qos: 0,
    retain: false,
    dup: false,
  });
}

/** `bytes` cut at the given places. */
function pieces(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}

describe('the packet guard', () => {
  it('lets packets up to the bound through, however they are cut into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1 }),
        fc.array(fc.nat()),
        (sizes, cuts) => {
          const lengths = new PacketLengths(1_000);
          for (const chunk of pieces(Buffer.concat(sizes.map(publish)), cuts)) lengths.take(chunk);
        },
      ),
    );
  });

  it('stops a packet over the bound as soon as its header is read', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 900 })),
        fc.integer({ min: 1_001, max: 1e6 }),
        (sizes, large) => {
          const lengths = new PacketLengths(1_000);
          for (const size of sizes) lengths.take(publish(size));
          assert.throws(() => lengths.take(publish(large).subarray(0, 5)), PacketTooLargeError);
        },
      ),
    );
  });

  it('stops a remaining length that never ends', () => {
    assert.throws(
      () => new PacketLengths(1e9).take(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff])),
      PacketTooLargeError,
    );
  });
});
