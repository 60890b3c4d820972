/**
 * Whatever a caller has sent through to an HTTP device: it reaches the paired host and port or nothing, as one request
 * of the add-on's own making, and is over at its deadline.
 */
import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { AddonError, type DeviceRequest, type JsonObject, systemClock } from '@gate/addon-sdk';
import fc from 'fast-check';
import { HttpAddon } from '../../../addons/http/src/http-addon.ts';
import { HttpExchange } from '../../../addons/http/src/http-exchange.ts';

const RUNS = Number(process.env['RUNS'] ?? 300);
const OWN_HEADERS = new Set([
  'host',
  'connection',
  'accept',
  'accept-encoding',
  'content-type',
  'content-length',
  'user-agent',
]);

/** Takes whatever comes, answers the same to each request, and keeps what it was sent. */
class Listener {
  received: string[] = [];
  connections = 0;
  answer =
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}';
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((socket) => {
    this.connections += 1;
    this.#sockets.add(socket);
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
      const [head, body] = text.split(/\r\n\r\n(.*)/s);
      if (body === undefined) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head ?? '')?.[1] ?? 0);
      if (body.length < length) return;
      this.received.push(text);
      if (this.answer !== '') socket.end(this.answer);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  });

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('what is sent through to an HTTP device', () => {
  let device: Listener;
  let elsewhere: Listener;
  let ports: { device: number; elsewhere: number };
  let addon: HttpAddon;

  beforeEach(async () => {
    device = new Listener();
    elsewhere = new Listener();
    ports = { device: await device.start(), elsewhere: await elsewhere.start() };
    addon = new HttpAddon({
      exchange: new HttpExchange(systemClock),
      gate: {
        report: () => undefined,
        availability: () => undefined,
        event: () => undefined,
        log: { info: () => undefined, error: () => undefined },
      },
      listen: async () => undefined,
      clock: systemClock,
      // no number of chance: the first poll comes in half an hour, and what arrives here is what was sent through
      random: () => 1_000,
    });
    addon.handlers.configure?.({
      parameters: {},
      devices: [
        {
          id: 'd1',
          type: 't',
          parameters: { interval: 86_400 },
          address: { protocol: 'http', hostname: '127.0.0.1', port: ports.device },
        },
      ],
    });
  });
  afterEach(async () => {
    await addon.handlers.stop?.();
    await Promise.all([device.stop(), elsewhere.stop()]);
  });

  const { signal } = new AbortController();
  const ask = async (call: 'set' | 'get', params: JsonObject, forMs = 20_000) => {
    const deadline = Date.now() + forMs;
    const request: DeviceRequest = { method: call, deviceId: 'd1', params, deadline, signal };
    return addon.handlers[call]?.(request);
  };

  it('reaches that device alone, as one request without a header of the caller’s', async () => {
    const there = () => `127.0.0.1:${ports.elsewhere}`;
    const tricks = fc.constantFrom(
      (host: string) => `http://${host}/`,
      (host: string) => `//${host}/`,
      (host: string) => `/\\${host}/`,
      (host: string) => `@${host}/`,
      (host: string) => `/relay/0 HTTP/1.1\r\nHost: ${host}\r\n\r\nGET /`,
      (host: string) => `/a\r\nX-Smuggled: ${host}`,
      (host: string) => `/a\nX-Smuggled: ${host}`,
      (host: string) => `/a?b=http://${host}`,
      (host: string) => `/..//${host}`,
      (host: string) => `/%0d%0aX-Smuggled:${host}`,
    );
    const path = fc.oneof(
      tricks.map((make) => make(there())),
      fc.string({ maxLength: 40 }),
      fc.string({ maxLength: 40 }).map((text) => `/${text}`),
      fc.string({ unit: 'binary', maxLength: 20 }).map((text) => `/${text}`),
    );
    const params = fc.record(
      {
        path,
        method: fc.oneof(
          fc.constantFrom(
            'GET',
            'POST',
            'PUT',
            'PATCH',
            'DELETE',
            'CONNECT',
            'TRACE',
            'get',
            'GET / HTTP/1.1\r\n',
          ),
          fc.string({ maxLength: 8 }),
        ),
        queryParams: fc.dictionary(
          fc.oneof(fc.string({ maxLength: 10 }), fc.constantFrom('__proto__', 'a\r\nb')),
          fc.oneof(fc.string({ maxLength: 10 }), fc.array(fc.string({ maxLength: 5 }), { maxLength: 2 })),
          { maxKeys: 3 },
        ),
        body: fc.jsonValue({ maxDepth: 2 }),
      },
      { requiredKeys: ['path'] },
    );
    await fc.assert(
      fc.asyncProperty(params, fc.constantFrom('set', 'get'), async (sent, call) => {
        device.received = [];
        const before = device.connections;
        const outcome = await ask(call as 'set' | 'get', sent as JsonObject).then(
          () => 'answered' as const,
          (error: unknown) => error,
        );
        if (outcome !== 'answered') {
          assert.ok(outcome instanceof AddonError, String(outcome));
          assert.equal(outcome.code, 'badRequest', outcome.message);
          assert.equal(device.connections, before);
          return;
        }
        assert.equal(device.received.length, 1);
        const [head = ''] = String(device.received[0]).split('\r\n\r\n');
        const [line = '', ...headers] = head.split('\r\n');
        assert.match(line, /^(GET|POST|PUT|PATCH|DELETE) \/(?!\/)[!-~]* HTTP\/1\.1$/);
        for (const header of headers) {
          assert.ok(OWN_HEADERS.has(header.split(':')[0]?.toLowerCase() ?? ''), header);
        }
        assert.ok(
          headers.some((header) => header.toLowerCase() === `host: 127.0.0.1:${ports.device}`),
          head,
        );
      }),
      { numRuns: RUNS },
    );
    assert.equal(elsewhere.connections, 0);
  });

  it('follows no redirect to elsewhere, nor to another path', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      device.answer = `HTTP/1.1 ${status} Moved\r\nLocation: http://127.0.0.1:${ports.elsewhere}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
      const before = device.connections;
      await assert.rejects(ask('set', { path: '/a' }), (error: AddonError) => error.deviceStatus === status);
      assert.equal(device.connections, before + 1);
    }
    assert.equal(elsewhere.connections, 0);
  });

  it('is given up at its deadline when the device says nothing', async () => {
    device.answer = '';
    await assert.rejects(ask('set', { path: '/a' }, 300), { code: 'timeout' });
  });
});
