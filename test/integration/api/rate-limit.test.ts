import assert from 'node:assert/strict';
import { BURST_SECONDS } from '../../../src/api/rate-limit.ts';
import { ApiUnderTest, type CallOptions } from './support/api-under-test.ts';

const DEVICES = '/device/v1/devices';

describe('the rate limit', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start({
      anonymous: 'read',
      rateLimits: { clientPerSecond: 0.5, anonymousPerSecond: 0.25 },
    });
  });
  afterEach(() => gate.stop());

  const answered = async (times: number, options: CallOptions = {}) => {
    const statuses = [];
    for (let n = 0; n < times; n += 1) statuses.push((await gate.call(DEVICES, options)).status);
    return statuses.filter((status) => status !== 429).length;
  };

  it('lets a burst of each caller through, then tells it when to come back', async () => {
    const [one, another] = [await gate.clientOf('read'), await gate.clientOf('read')];
    assert.equal(await answered(12, { headers: one.headers }), 0.5 * BURST_SECONDS);
    assert.equal(await answered(12, { headers: another.headers }), 0.5 * BURST_SECONDS);
    assert.equal(await answered(12), 0.25 * BURST_SECONDS);
    const { status, body, headers } = await gate.call(DEVICES, { headers: one.headers });
    assert.deepEqual([status, body['code'], headers['retry-after']], [429, 'tooManyRequests', '2']);
    gate.aheadMs = 4_000;
    assert.equal(await answered(5, { headers: one.headers }), 2);
  });

  it('counts a request with a token that does not count for its address', async () => {
    const headers = { Authorization: 'Bearer nonsense' };
    assert.equal(await answered(12, { headers }), 0.25 * BURST_SECONDS);
    assert.equal(await answered(1), 0);
  });

  it('holds for log-ins and for what is not there too', async () => {
    await answered(5);
    for (const path of ['/authentication/v1/oauth/token', '/nothing']) {
      assert.equal((await gate.call(path, { method: 'POST', body: {} })).status, 429);
    }
  });

  it('spares the socket', async () => {
    for (let n = 0; n < 15; n += 1) assert.equal((await gate.callLocally(DEVICES)).status, 200);
  });
});
