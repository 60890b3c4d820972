import assert from 'node:assert/strict';
import type { AnonymousAccess } from '../../../src/api/settings.ts';
import { ApiUnderTest, GATEWAY_ID } from './support/api-under-test.ts';

const READS = [
  '/device/v1/devices',
  `/device/v1/devices/${GATEWAY_ID}`,
  `/device/v1/devices/${GATEWAY_ID}/data`,
  '/device/v1/protocols',
  '/device/v1/protocols/knx',
  '/device/v1/types',
  '/history/notifications/history',
];
const CHANGES = [
  ['POST', '/device/v1/devices'],
  ['PATCH', `/device/v1/devices/${GATEWAY_ID}`],
  ['DELETE', `/device/v1/devices/${GATEWAY_ID}`],
  ['DELETE', `/devices/${GATEWAY_ID}/subDevice/subDevices/x`],
  ['DELETE', `/device/v1/devices/${GATEWAY_ID}/subDevice/subDevices/x`],
  ['POST', '/device/v1/devices/x/pair'],
  ['DELETE', '/device/v1/devices/x/pair'],
  ['POST', '/device/v1/protocols/knx/installation'],
  ['DELETE', '/device/v1/protocols/knx/installation'],
] as const;

describe('who may do what', () => {
  const cases: { anonymous: AnonymousAccess; mayRead: boolean; mayChange: boolean }[] = [
    { anonymous: 'none', mayRead: false, mayChange: false },
    { anonymous: 'read', mayRead: true, mayChange: false },
    { anonymous: 'all', mayRead: true, mayChange: true },
  ];
  for (const { anonymous, mayRead, mayChange } of cases) {
    describe(`an anonymous caller under ${anonymous}`, () => {
      let gate: ApiUnderTest;
      before(async () => {
        gate = await ApiUnderTest.start({ anonymous });
      });
      after(() => gate.stop());

      it('may ask whether it is live, and whether it is ready', async () => {
        assert.equal((await gate.call('/health/live')).status, 200);
        const { body } = await gate.call('/health/ready');
        assert.deepEqual(Object.keys(body), mayRead ? ['status', 'parts'] : ['status']);
      });

      it(`${mayRead ? 'may' : 'may not'} read`, async () => {
        for (const path of READS) {
          const { status, body } = await gate.call(path);
          assert.equal(status, mayRead ? 200 : 401, path);
          if (!mayRead) assert.equal(body['code'], 'unauthorized');
        }
      });

      it(`${mayChange ? 'may' : 'may not'} change anything`, async () => {
        for (const [method, path] of CHANGES) {
          const { status, body, headers } = await gate.call(path, { method });
          assert.equal(status === 401, !mayChange, `${method} ${path}: ${status}`);
          if (mayChange) continue;
          assert.match(`${body['message']} ${body['hint']}`, /ON_PREMISE_ANONYMOUS.*gate\.sock/);
          assert.match(headers['www-authenticate'] ?? '', /^Bearer/);
        }
      });

      it('does everything when it comes through the socket', async () => {
        for (const path of READS) assert.equal((await gate.callLocally(path)).status, 200, path);
        const created = await gate.callLocally('/device/v1/devices', {
          method: 'POST',
          body: { name: 'a', isVirtual: true },
        });
        assert.equal(created.status, 201);
      });
    });
  }
});
