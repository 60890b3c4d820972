import assert from 'node:assert/strict';
import { notificationView } from '../../../src/api/views/notification-view.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { ApiUnderTest } from './support/api-under-test.ts';
import { type Client, connectClient, GENERATIONS } from './support/realtime-clients.ts';

const HISTORY = '/history/notifications/history';

/** The published document's example. */
const DOCUMENTED = {
  msgID: '0caa7ff1-c6c2-4171-8a58-6f6cf8e137d8',
  metaAttrsFilter: { level: 3, shouldPersist: true },
  message: 'Something went wrong.',
  subject: 'user_notification',
  ts: '2019-02-20T17:17:52.863000Z',
};

type Shown = JsonObject & { metaAttrsFilter: JsonObject };

describe('the notifications', () => {
  let gate: ApiUnderTest;
  const clients: Client[] = [];
  beforeEach(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'read' });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await gate.stop();
  });

  const raise = (n: number) =>
    gate.notifications.raise(String(n), {
      level: n % 2 === 0 ? 3 : 2,
      subject: 'user_notification',
      message: `Something went wrong: ${n}`,
    });
  const history = async (query = '') =>
    (await gate.call<{ notifications: Shown[] }>(`${HISTORY}${query}`)).body.notifications;
  const connect = async (
    ...[generation, options]: [(typeof GENERATIONS)[number], Record<string, string>?]
  ) => {
    const client = await connectClient(gate, generation, ['notification'], { query: options ?? {} });
    clients.push(client);
    return client;
  };

  it('look as the documented example, key by key', () => {
    const view = notificationView({
      id: DOCUMENTED.msgID,
      ts: Date.parse('2019-02-20T17:17:52.863Z'),
      level: 3,
      message: DOCUMENTED.message,
      subject: DOCUMENTED.subject,
    });
    assert.equal(JSON.stringify(view), JSON.stringify(DOCUMENTED));
  });

  it('are none at first', async () => {
    assert.deepEqual((await gate.call(HISTORY)).body, { notifications: [] });
  });

  it('are the last ten, newest first, in the documented form', async () => {
    for (let n = 0; n < 12; n += 1) raise(n);
    const shown = await history();
    assert.deepEqual(
      shown.map(({ message }) => message),
      Array.from({ length: 10 }, (_, n) => `Something went wrong: ${11 - n}`),
    );
    const [first] = shown as [Shown];
    assert.deepEqual(Object.keys(first), Object.keys(DOCUMENTED));
    assert.deepEqual(first.metaAttrsFilter, { level: 2, shouldPersist: true });
    assert.match(String(first['msgID']), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.match(String(first['ts']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('are selected by their attributes', async () => {
    const { id } = await gate.devices.create({ name: 'lamp', isVirtual: true });
    for (let n = 0; n < 30; n += 1) raise(n);
    gate.devices.reportAvailability('virtual', id, { online: false });
    gate.health.report('addon:http', 'failed', 'it ended');
    const subjects = async (query: string) => (await history(query)).map(({ subject }) => subject);
    assert.deepEqual(await subjects(`?deviceId=${id}`), ['device_unavailable']);
    assert.deepEqual(await subjects('?addon=http&level=2'), ['addon_failing']);
    assert.deepEqual(await subjects('?addon=http&level=3'), []);
    assert.equal((await history('?subject=user_notification&level=3')).length, 10);
    assert.equal((await history('?shouldPersist=true')).length, 10);
    assert.deepEqual(await history('?shouldPersist=false'), []);
    assert.equal((await history('?colour=red')).length, 10);
    const [one] = (await history()) as [Shown];
    assert.deepEqual(await history(`?msgID=${one['msgID']}`), [one]);
  });

  it('refuse a malformed attribute', async () => {
    for (const query of ['level=high', 'level=0', 'shouldPersist=yes', 'level=1&level=2']) {
      const { status, body } = await gate.call(`${HISTORY}?${query}`);
      assert.deepEqual([status, body['code']], [400, 'badRequest'], query);
    }
  });

  for (const generation of GENERATIONS) {
    it(`reach a ${generation} client as they happen, as the same object`, async () => {
      const client = await connect(generation);
      const next = client.next('notification');
      raise(1);
      assert.deepEqual(await next, (await history())[0]);
    });

    it(`can be narrowed by a ${generation} client to devices`, async () => {
      const { id } = await gate.devices.create({ name: 'lamp', isVirtual: true });
      const client = await connect(generation, { devices: id });
      const next = client.next('notification');
      raise(1);
      gate.devices.reportAvailability('virtual', id, { online: false });
      assert.equal(((await next) as JsonObject)['subject'], 'device_unavailable');
    });
  }
});
