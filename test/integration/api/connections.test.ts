import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { CONNECTIONS_PER_ADDRESS_MAX } from '../../../src/api/http-server.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest } from './support/api-under-test.ts';

/** Of loopback, as is the one from which tests call. */
const GREEDY = '127.0.0.66';

describe('how many connections one address may have', () => {
  let gate: ApiUnderTest;
  const held: Socket[] = [];
  before(async () => {
    gate = await ApiUnderTest.start({});
  });
  after(async () => {
    for (const socket of held) socket.destroy();
    await gate.stop();
  });

  const open = async () => {
    const port = Number(new URL(gate.url).port);
    const socket = connect({ host: '127.0.0.1', port, localAddress: GREEDY });
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  const answers = async (socket: Socket) => {
    socket.write('GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    const chunks: Buffer[] = await socket.toArray().catch(() => []);
    return Buffer.concat(chunks).toString().split('\r\n')[0];
  };

  it('is bounded, so that it does not shut out others; one that is closed makes room', async () => {
    while (held.length < CONNECTIONS_PER_ADDRESS_MAX) held.push(await open());
    assert.equal(await answers(await open()), '');
    assert.equal((await gate.call('/health/live')).status, 200);
    held.pop()?.destroy();
    await until('there is room again', async () => (await answers(await open())) === 'HTTP/1.1 200 OK');
  });
});
