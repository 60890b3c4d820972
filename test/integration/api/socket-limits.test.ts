import assert from 'node:assert/strict';
import { Agent, request as httpRequest } from 'node:http';
import { BURST_SECONDS } from '../../../src/api/rate-limit.ts';
import { SOCKETS_MAX, SOCKETS_PER_ADDRESS_MAX } from '../../../src/api/sockets/socket-admission.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest, PROJECT_ID } from './support/api-under-test.ts';
import { connectClient, GENERATIONS } from './support/realtime-clients.ts';
import { connectWebSocket, handshake } from './support/web-socket-clients.ts';

const POLLING = '/socket.io/?EIO=4&transport=polling';
const SOCKET_IO = '/socket.io/?EIO=4&transport=websocket';
const PLAIN = `/?project=${PROJECT_ID}`;

describe('how often sockets may be opened', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start({
      anonymous: 'read',
      rateLimits: { clientPerSecond: 0.5, anonymousPerSecond: 0.25 },
    });
  });
  afterEach(() => gate.stop());
  const spend = async () => {
    for (let n = 0; n < 0.25 * BURST_SECONDS; n += 1) {
      assert.equal((await gate.call('/device/v1/devices')).status, 200);
    }
  };

  it('is limited together with requests, and told as REST tells it', async () => {
    await spend();
    for (const path of [SOCKET_IO, PLAIN]) {
      const refused = await handshake(gate, path);
      assert.deepEqual(
        [refused?.status, refused?.body['code'], refused?.headers['retry-after']],
        [429, 'tooManyRequests', '4'],
      );
    }
    const { status, body, headers } = await gate.call(POLLING);
    assert.deepEqual([status, body['code'], headers['retry-after']], [429, 'tooManyRequests', '4']);
    gate.aheadMs = 5_000;
    assert.equal(await handshake(gate, PLAIN), undefined);
    assert.equal((await gate.call(PLAIN)).status, 429);
  });

  it('counts a handshake with a token for its client', async () => {
    const { token, headers } = await gate.clientOf('read');
    await spend();
    for (let n = 0; n < 0.5 * BURST_SECONDS; n += 1) {
      const path = n % 2 === 0 ? `${PLAIN}&access_token=${token}` : `${SOCKET_IO}&access_token=${token}`;
      assert.equal(await handshake(gate, path), undefined);
    }
    assert.equal((await handshake(gate, PLAIN, headers))?.status, 429);
  });

  it('counts a token that does not count for its address', async () => {
    for (let n = 0; n < 0.25 * BURST_SECONDS; n += 1) {
      assert.equal((await handshake(gate, `${PLAIN}&access_token=x`))?.status, 401);
    }
    assert.equal((await handshake(gate, `${PLAIN}&access_token=x`))?.status, 429);
  });

  it('is not limited on the socket of the box', async () => {
    for (let n = 0; n < 12; n += 1) assert.equal((await gate.callLocally(POLLING)).status, 200);
  });

  for (const generation of GENERATIONS) {
    it(`ends in an error for a ${generation} client, which may try again`, async () => {
      await spend();
      await assert.rejects(connectClient(gate, generation, []));
      await assert.rejects(connectClient(gate, generation, [], { transports: ['polling'] }));
      gate.aheadMs = 5_000;
      (await connectClient(gate, generation, [])).close();
    });
  }
});

describe('how many sockets may be open', () => {
  let gate: ApiUnderTest;
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  beforeEach(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'read' });
  });
  afterEach(async () => {
    agent.destroy();
    await gate.stop();
  });

  /** A polling session holds a place, and no connection. Resolves with the status of its handshake. */
  const open = (localAddress: string): Promise<{ status: number; code?: string; retryAfter?: string }> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(
        { host: '127.0.0.1', port: gate.port, path: POLLING, agent, localAddress },
        (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => {
            const { statusCode: status = 0, headers } = response;
            if (status === 200) return resolve({ status });
            resolve({ status, code: JSON.parse(text).code, retryAfter: String(headers['retry-after']) });
          });
        },
      );
      request.on('error', reject);
      request.end();
    });
  const fill = async (localAddress: string) => {
    const all = Array.from({ length: SOCKETS_PER_ADDRESS_MAX }, () => open(localAddress));
    for (const { status } of await Promise.all(all)) assert.equal(status, 200);
  };

  it('is bounded for each address, whatever their kind, and frees a place when one is closed', async () => {
    const [plain, io] = [await connectWebSocket(gate), await connectClient(gate, '4.x', [])];
    for (let n = 2; n < SOCKETS_PER_ADDRESS_MAX; n += 1) assert.equal((await open('127.0.0.1')).status, 200);
    assert.deepEqual(await open('127.0.0.1'), { status: 429, code: 'tooManyRequests', retryAfter: '10' });
    assert.equal((await handshake(gate, PLAIN))?.status, 429);
    assert.equal((await open('127.0.0.2')).status, 200);
    assert.equal((await gate.callLocally(POLLING)).status, 200);
    for (const close of [() => plain.socket.close(), () => io.close()]) {
      close();
      await until('a place is free', async () => (await open('127.0.0.1')).status === 200);
      assert.equal((await open('127.0.0.1')).status, 429);
    }
  });

  it('is bounded in all', async () => {
    const addresses = Array.from(
      { length: SOCKETS_MAX / SOCKETS_PER_ADDRESS_MAX },
      (_, n) => `127.0.0.${n + 1}`,
    );
    for (const address of addresses) await fill(address);
    const last = { status: 503, code: 'unavailable', retryAfter: '10' };
    assert.deepEqual(await open('127.0.0.9'), last);
    assert.equal((await handshake(gate, PLAIN, {}, '127.0.0.9'))?.status, 503);
    assert.equal((await gate.call('/health/live')).status, 200);
  });
});
