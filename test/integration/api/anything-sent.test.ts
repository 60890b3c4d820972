/**
 * Whatever is sent to whatever path: never a 5xx of our own making, never a crash, never another device reached, and
 * errors always in the documented form. (`RUNS=20000` for a longer look; a failure prints its seed.)
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import fc from 'fast-check';
import type { JsonObject } from '../../../src/model/json.ts';
import { ApiUnderTest, GATEWAY_ID, HTTP_TYPE } from './support/api-under-test.ts';

const RUNS = Number(process.env['RUNS'] ?? 2_000);

/** Every path there is, `:x` for what a caller fills in. */
const PATHS = [
  '/authentication/v1/oauth/token',
  '/authentication/v1/clients',
  '/authentication/v1/clients/:x',
  '/authentication/v1/clients/:x/tokens',
  '/device/v1/devices',
  '/device/v1/devices/:x',
  '/device/v1/devices/:x/pair',
  '/device/v1/devices/:x/data',
  '/device/v1/devices/:x/:x/logs',
  '/devices/:x/subDevice/subDevices/:x',
  '/device/v1/control/:x/set',
  '/device/v1/control/:x/status',
  '/device/v1/control/:x/fetch',
  '/device/v1/protocols',
  '/device/v1/protocols/:x',
  '/device/v1/protocols/:x/installation',
  '/device/v1/protocols/:x/actions/:x',
  '/device/v1/protocols/:x/scan',
  '/device/v1/protocols/:x/token',
  '/device/v1/types',
  '/device/v1/types/:x',
  '/history/device/:x/history',
  '/history/notifications/history',
  '/health/live',
  '/health/ready',
  '/nothing/:x',
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const PARAMETERS = [
  'start',
  'end',
  'page',
  'perPage',
  'sort',
  'attr',
  'firstN',
  'lastN',
  'dateFrom',
  'dateTo',
  'interval',
  'q',
  'manufacturer',
  'protocol',
  'level',
  'subject',
  '__proto__',
  'constructor',
];
const BOUNDARIES = [
  '',
  '0',
  '1',
  '-1',
  '101',
  '1e9',
  '9'.repeat(20),
  'NaN',
  'null',
  '+ts',
  '-ts',
  '-_id',
  '2026-01-01',
  '1h',
  'a.b',
  '..',
  '%00',
  '\u0000',
  '💡',
];
const KEYS = [
  'name',
  'type',
  'parameters',
  'isVirtual',
  'frequency',
  'demoActive',
  'hostname',
  'port',
  'clientId',
  'clientSecret',
  'scopes',
  'grant_type',
  'runtime',
  'version',
  'actions',
  '__proto__',
  'constructor',
  'toString',
];

const value = fc.oneof(fc.constantFrom(...BOUNDARIES), fc.string({ maxLength: 30 }));
const json = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.dictionary(fc.constantFrom(...KEYS), fc.jsonValue({ maxDepth: 3 })),
);
const body = fc.option(
  fc.oneof(
    json.map((content) => JSON.stringify(content)),
    fc.string(),
    fc.constantFrom(
      '{',
      '[[[[',
      '"',
      '{"a":1}{',
      `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
      '{"__proto__":{"isGateway":true}}',
    ),
  ),
  { nil: undefined },
);
const header = fc.constantFrom<Record<string, string>>(
  {},
  { 'Content-Type': 'text/plain' },
  { 'Content-Type': 'application/json; charset=latin1' },
  { 'Content-Encoding': 'gzip' },
  { Accept: 'text/html' },
  { Accept: 'text/csv' },
  { Accept: ';;;' },
  { Authorization: 'Bearer x.y.z' },
  { Authorization: 'Basic eDp5' },
  { Prefer: 'wait=99999999999' },
  { 'Idempotency-Key': 'a b' },
  { 'instathings-path': '//elsewhere/', 'instathings-method': 'GET' },
  { 'instathings-path': '/a', 'instathings-method': 'CONNECT' },
  { 'If-None-Match': '*' },
  { Origin: 'null' },
);

function checkAnswer(status: number, answer: unknown, what: string): void {
  assert.equal(
    status < 500 || status === 503,
    true,
    `${what} was answered ${status}: ${JSON.stringify(answer)}`,
  );
  if (status < 400 || answer === undefined || what.startsWith('HEAD')) return;
  const error = answer as JsonObject;
  // the two 404 answers of the history are dojot's own
  const told =
    status === 404 && what.includes('/history/device/')
      ? (error['title'] ?? error['message'])
      : error['message'];
  assert.equal(typeof told, 'string', `${what}: ${JSON.stringify(answer)}`);
}

describe('whatever is sent', function () {
  this.timeout(60_000 + RUNS * 20);
  let gate: ApiUnderTest;
  let known: string[];

  before(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'all' });
    const plug = await gate.devices.create({
      name: 'plug',
      type: HTTP_TYPE,
      parameters: { hostname: '10.0.0.7' },
    });
    const virtual = await gate.devices.create({ name: 'virtual', isVirtual: true });
    await gate.record(virtual.id, [{ ts: 1_700_000_000_000, data: { value: 1 } }]);
    known = [plug.id, virtual.id, GATEWAY_ID, 'http', 'knx', 'gate', HTTP_TYPE];
  });
  after(() => gate.stop());

  it('is answered in the documented form, and reaches no device but the one that was named', async () => {
    const filled = fc.oneof(
      fc.nat(6).map((n) => (known ? (known[n] as string) : '')),
      value,
      fc.constantFrom('__proto__', 'constructor', '..%2f..%2fetc', '%2e%2e', 'a/b', '%', '%ff'),
    );
    const request = fc.record({
      method: fc.constantFrom(...METHODS),
      path: fc.constantFrom(...PATHS),
      fills: fc.tuple(filled, filled),
      query: fc.array(fc.tuple(fc.constantFrom(...PARAMETERS), value), { maxLength: 4 }),
      raw: fc.boolean(),
      header,
      body,
    });
    await fc.assert(
      fc.asyncProperty(
        request,
        async ({ method, path, fills, query, raw, header: headers, body: content }) => {
          const encode = (text: string) =>
            raw ? text.replace(/[^\x21-\x7e]|#|\?/g, '') : encodeURIComponent(text.toWellFormed());
          let next = 0;
          const filledPath = path.replace(/:x/g, () => encode(fills[next++ % 2] as string) || 'x');
          const search = query.map(([name, text]) => `${encode(name)}=${encode(text)}`).join('&');
          const target = search === '' ? filledPath : `${filledPath}?${search}`;
          gate.link.requests.length = 0;
          const answer = await gate.call<unknown>(target, {
            method,
            headers,
            ...(content === undefined || method === 'GET' || method === 'HEAD' ? {} : { body: content }),
          });
          checkAnswer(answer.status, answer.body, `${method} ${target}`);
          for (const {
            request: { deviceId },
          } of gate.link.requests) {
            assert.equal(
              deviceId === undefined || filledPath.includes(deviceId),
              true,
              `${method} ${target} reached ${deviceId}`,
            );
          }
          const polluted = Object.keys(Object.prototype);
          assert.deepEqual(polluted, []);
        },
      ),
      { numRuns: RUNS },
    );
    assert.equal((await gate.call('/health/live')).status, 200);
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
        await new Promise<void>((resolve) => {
          const socket = connect(gate.port, '127.0.0.1', () => socket.end(text));
          socket.on('error', () => undefined);
          socket.on('close', () => resolve());
          socket.resume();
        });
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
    assert.equal((await gate.call('/health/live')).status, 200);
  });
});
