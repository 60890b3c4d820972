/**
 * Whatever is sent to whatever `/openapi.json` describes: never a 5xx but a described 503, never a crash, never another
 * device reached, never an answer that is not as described. (`RUNS=20000` for a longer look; a failure prints its seed.)
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import fc from 'fast-check';
import { ApiUnderTest, GATEWAY_ID, HTTP_TYPE } from './support/api-under-test.ts';
import type { Document } from './support/described-answers.ts';
import { type DescribedRequest, describedRequests } from './support/requests-described.ts';

const RUNS = Number(process.env['RUNS'] ?? 2_000);
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

describe('whatever is sent', function () {
  this.timeout(60_000 + RUNS * 20);
  let gate: ApiUnderTest;
  let document: Document;
  let known: string[];
  let plug: string;

  before(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'all' });
    ({ document } = await gate.described());
    ({ id: plug } = await gate.devices.create({
      name: 'plug',
      type: HTTP_TYPE,
      parameters: { hostname: '10.0.0.7' },
    }));
    const virtual = await gate.devices.create({ name: 'virtual', isVirtual: true });
    await gate.record(virtual.id, [{ ts: 1_700_000_000_000, data: { value: 1 } }]);
    known = [plug, virtual.id, GATEWAY_ID, 'http', 'knx', 'gate', HTTP_TYPE];
  });
  after(() => gate.stop());

  /** Sends it, holds the answer against its description (`call` does), and looks for what it may have touched. */
  async function send(
    { method, template, target, headers, body }: DescribedRequest,
    over: 'call' | 'callLocally',
  ): Promise<number> {
    gate.link.requests.length = 0;
    const what = `${method} ${target}`;
    const answer = await gate[over]<unknown>(target, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    assert.ok(
      answer.status < 500 || answer.status === 503,
      `${what} (${template}) was answered ${answer.status}`,
    );
    const path = target.replace(/\?.*$/s, '');
    for (const { request } of gate.link.requests) {
      const { deviceId } = request;
      assert.ok(deviceId === undefined || path.includes(deviceId), `${what} reached ${deviceId}`);
      assert.doesNotMatch(
        `${request.params['path'] ?? ''}${request.params['method'] ?? ''}`,
        /[\r\n\0]/,
        `${what} forwarded a line break`,
      );
    }
    assert.deepEqual(Object.keys(Object.prototype), []);
    return answer.status;
  }

  for (const over of ['call', 'callLocally'] as const) {
    const door = over === 'call' ? 'the network' : 'the Unix socket';
    it(`through ${door} is answered as described, and reaches no device but the one that was named`, async () => {
      const seen = new Map<string, Set<number>>();
      const runs = over === 'call' ? RUNS : Math.ceil(RUNS / 2);
      await fc.assert(
        fc.asyncProperty(
          fc.constant(undefined).chain(() => describedRequests(document, known)),
          async (request) => {
            const status = await send(request, over);
            const key = `${request.method} ${request.template}`;
            seen.set(key, (seen.get(key) ?? new Set()).add(status));
          },
        ),
        { numRuns: runs },
      );
      assert.equal((await gate.call('/health/live')).status, 200);
      for (const [template, methods] of Object.entries(document.paths)) {
        for (const method of Object.keys(methods)) {
          assert.ok(seen.has(`${method.toUpperCase()} ${template}`), `${method} ${template} was never asked`);
        }
      }
      const statuses = new Set([...seen.values()].flatMap((each) => [...each]));
      // both what is taken and what is refused was among it
      for (const status of [200, 400, 404, 405, 406, 415]) assert.ok(statuses.has(status), `no ${status}`);
    });
  }

  it('under any path at all is answered in the one form', async () => {
    const path = fc
      .array(
        fc.oneof(
          fc.string({ maxLength: 12 }),
          fc.constantFrom('device', 'v1', '..', '.', '%2e%2e', '', 'docs'),
        ),
        {
          maxLength: 6,
        },
      )
      .map((parts) => `/${parts.join('/')}`.replace(/[^\x21-\x7e]|#|\?/g, ''));
    await fc.assert(
      fc.asyncProperty(path, fc.constantFrom(...METHODS), async (target, method) => {
        const { status } = await gate.call(target, { method });
        assert.ok(status < 500, `${method} ${target} was answered ${status}`);
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
  });

  it('as forwarded headers with line breaks in them, reaches no device', async () => {
    const smuggled = [
      'instathings-path: /a\r\nHost: elsewhere',
      'instathings-path: /a\nX: 1',
      'instathings-path: /a\rX: 1',
      'instathings-path: /a\0b',
      'instathings-path: /a\r\n X: folded',
      'instathings-method: GET\r\ninstathings-method: POST',
    ];
    for (const line of smuggled) {
      gate.link.requests.length = 0;
      const text = await exchange(
        gate.port,
        [
          `POST /device/v1/control/${plug}/set HTTP/1.1`,
          'Host: localhost',
          'Content-Length: 0',
          'instathings-method: GET',
          line,
          'Connection: close',
          '',
          '',
        ].join('\r\n'),
      );
      assert.match(text, /^HTTP\/1\.1 (200|4\d\d)/, line);
      for (const { request } of gate.link.requests) {
        assert.equal(request.deviceId, plug);
        assert.doesNotMatch(JSON.stringify(request.params), /\\[rn]|\\u0000|elsewhere|folded/, line);
      }
    }
  });

  it('as bytes that are hardly HTTP, ends with an answer or the end of the connection', async () => {
    const bytes = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.constantFrom(...METHODS), fc.string(), fc.string())
        .map(([method, path, rest]) => `${method} ${path} HTTP/1.1\r\n${rest}\r\n\r\n`),
      fc.constantFrom(
        'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
        'POST /device/v1/devices HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'POST /device/v1/devices HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
        `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
        'GET /socket.io/?EIO=9&transport=teleport HTTP/1.1\r\nHost: localhost\r\n\r\n',
      ),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (text) => {
        await exchange(gate.port, text);
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
    assert.equal((await gate.call('/health/live')).status, 200);
  });
});

/** What comes back until the connection ends. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(text, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(received));
  });
}
