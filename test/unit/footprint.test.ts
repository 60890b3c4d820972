/** What keeps the daemon small and would come back unseen with one import: docs/decisions/0014. */
import assert from 'node:assert/strict';

describe('the daemon’s modules', () => {
  it('turn off the table of numbers that the MQTT codec would keep', async () => {
    const { writeToStream } = (await import('mqtt-packet')).default as unknown as {
      writeToStream: { cacheNumbers: boolean };
    };
    await import('../../src/broker/addon-broker.ts');
    assert.equal(writeToStream.cacheNumbers, false);
  });
});
