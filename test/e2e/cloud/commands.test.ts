/** Every command of the cloud contract, from mosquitto_pub to a device and back, and what is refused. */
import assert from 'node:assert/strict';
import { ShellyPlugS } from '../../simulators/shelly-plug-s.ts';
import { addForeignAddon } from '../../support/foreign-addon.ts';
import { until } from '../../support/until.ts';
import { CloudHouse, obstacle } from './cloud-house.ts';

const HTTP_TYPE = 'f3cf0bb5-e059-469c-b100-4f1e8b2575b1';
const VIRTUAL_TYPE = '48560709-1d22-4166-bbcc-8b111118f7a8';

interface Reason {
  code: string;
  message: string;
}
interface Paired {
  deviceId: string;
  status: { eventType: string; reason?: Reason };
}
interface Installed {
  protocol: string;
  protocolId: string;
  exitStatus: number;
  installationSuccess: boolean;
  stdout: string;
  stderr: string;
  versions: Record<string, string>;
  newContainers: string[];
}
interface Fetched {
  requestId: string;
  deviceId: string;
  projectId: string;
  payload?: { state?: string; message?: { data: Record<string, unknown> } };
  error?: Reason;
}

describe('what the cloud asks', function () {
  this.timeout(60_000);
  let house: CloudHouse;
  let lampType: string;
  const plug = new ShellyPlugS();
  let plugPort: number;

  before(async function () {
    const reason = obstacle();
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    house = await CloudHouse.open();
    lampType = addForeignAddon(house.dataFolder, { slug: 'documented', source: 'documented-devices.ts' });
    plugPort = await plug.start();
    await house.startDaemon();
    await house.connected();
  });
  after(async () => {
    await house?.close();
    await plug.stop();
  });

  const device = (id: string, eventType: string) =>
    house.heard<Paired>(
      'discover',
      'device',
      (told) => told.deviceId === id && told.status.eventType === eventType,
    );
  const fetched = (id: string, requestId: string) =>
    house.heard<Fetched>('control', `${id}/fetch`, (told) => told.requestId === requestId);
  const installed = (protocol: string, matches: (told: Installed) => boolean = () => true) =>
    house.heard<Installed>('discover', 'protocol', (told) => told.protocol === protocol && matches(told));
  const devices = () => house.daemon.api.get<{ id: string; name: string }[]>('/device/v1/devices');
  const refused = (words: RegExp) =>
    house.healthIs(`refused with ${words}`, ({ lastBadMessage = '' }) => words.test(lastBadMessage));

  it('protocol/post installs, and tells how it went', async () => {
    await house.publish('discover', 'protocol/post', {
      protocolRecord: { id: 'documented', slug: 'documented', parameters: {} },
      parameters: {},
    });
    const told = await installed('documented');
    assert.equal(told.installationSuccess, true, told.stderr);
    assert.deepEqual(Object.keys(told).sort(), [
      'dt_install',
      'exitStatus',
      'installationSuccess',
      'newContainers',
      'protocol',
      'protocolId',
      'stderr',
      'stdout',
      'versions',
    ]);
    assert.deepEqual([told.exitStatus, told.newContainers], [0, ['documented']]);
    assert.equal(told.versions['documented'], 'documented:1.0.0');
  });

  it('protocol/post once more tells that it is installed; one that there is not fails with its reason', async () => {
    const count = () => house.cloud.on(house.topic('discover', 'protocol')).length;
    const before = count();
    const record = { id: 'documented', slug: 'documented' };
    await house.publish('discover', 'protocol/post', { protocolRecord: record });
    await until('it is told again', () => count() > before);
    const last = house.cloud.on(house.topic('discover', 'protocol')).at(-1)?.payload as Installed;
    assert.deepEqual([last.protocol, last.installationSuccess], ['documented', true]);

    await house.publish('discover', 'protocol/post', {
      protocolRecord: { id: 'zwave-id', slug: 'zwave' },
    });
    const failed = await installed('zwave');
    assert.deepEqual(
      [failed.installationSuccess, failed.exitStatus, failed.protocolId, failed.newContainers],
      [false, 1, 'zwave-id', []],
    );
    assert.match(failed.stderr, /there is no protocol "zwave"/);
  });

  it('protocol/update of an image that no protocol runs is refused, each for itself', async () => {
    await house.publish('discover', 'protocol/update', [
      { id: 'evil/miner:1', slug: 'evil/miner' },
      { id: 'instathings/other:2', slug: 'instathings/not-that' },
    ]);
    assert.match((await installed('evil/miner')).stderr, /no protocol of this gateway runs the image/);
    assert.match((await installed('instathings/not-that')).stderr, /is not a version of the image/);
  });

  it('software/update is refused where gate was not installed from a release, and that is a notification', async () => {
    await house.publish('discover', 'software/update', { newSoftwareId: 'instathings/gate:9.9.9' });
    await refused(/was not installed by install\.sh: it cannot update itself/);
    const { notifications } = await house.daemon.api.get<{ notifications: { message: string }[] }>(
      '/history/notifications/history',
    );
    assert.ok(notifications.some(({ message }) => /gate could not be updated to 9\.9\.9/.test(message)));
    await house.publish('discover', 'software/update', { newSoftwareId: 'evil/gate:9.9.9; rm -rf /' });
    await refused(/newSoftwareId/);
  });

  it('device/post creates the device under the id given and pairs it, and where it goes is told', async () => {
    await house.publish('discover', 'device/post', {
      idIn: 'lamp-1',
      name: 'lamp',
      topic: house.topic('data', 'lamp-1'),
      deviceType: lampType,
      parameters: {},
    });
    await device('lamp-1', 'discovering');
    await device('lamp-1', 'paired');
    const { name } = await house.daemon.api.get<{ name: string }>('/device/v1/devices/lamp-1');
    assert.equal(name, 'lamp');
  });

  it('device/post of a virtual device needs no pairing', async () => {
    await house.publish('discover', 'device/post', {
      idIn: 'virtual-1',
      name: 'doc',
      deviceType: VIRTUAL_TYPE,
      parameters: {},
    });
    await device('virtual-1', 'paired');
  });

  it('device/post once more changes nothing, and tells where it stands', async () => {
    const before = (await devices()).length;
    const count = () => house.cloud.on(house.topic('discover', 'device')).length;
    const told = count();
    await house.publish('discover', 'device/post', { idIn: 'lamp-1', name: 'other', deviceType: lampType });
    await until('it is told', () => count() > told);
    assert.deepEqual(house.cloud.on(house.topic('discover', 'device')).at(-1)?.payload, {
      deviceId: 'lamp-1',
      status: { eventType: 'paired' },
    });
    assert.equal((await devices()).length, before);
  });

  for (const [what, idIn, message, reason] of [
    ['a name that is too long', 'bad-1', { name: 'x'.repeat(21) }, /name/],
    ['a type that there is not', 'bad-2', { deviceType: 'none' }, /there is no device type/],
    [
      'a topic elsewhere',
      'bad-3',
      { topic: 'data/other/gateway/x' },
      /"topic" must have the form data|"topic" must/,
    ],
    ['a topic with a wildcard', 'bad-4', { topic: 'data/JtjYANUvs/9IHOifUF4/#' }, /no wildcard/],
    ['a topic for commands', 'bad-5', { topic: 'control/JtjYANUvs/9IHOifUF4/x/set' }, /discover and control/],
    ['a topic that climbs', 'bad-6', { topic: 'data/JtjYANUvs/9IHOifUF4' }, /must have the form/],
    ['a device at the gateway itself', 'bad-7', { hostname: '127.0.0.1' }, /leads to 127\.0\.0\.1/],
    ['a device at localhost', 'bad-8', { hostname: 'localhost' }, /leads to localhost/],
    ['a device at a link-local address', 'bad-9', { hostname: '169.254.169.254' }, /169\.254\.169\.254/],
    ['a deadline that has passed', 'bad-10', { deadline: 1 }, /its deadline passed/],
    ['parameters that the type refuses', 'bad-11', { port: 'no' }, /parameters of a HTTP-DEVICE/],
  ] as const) {
    it(`device/post with ${what} is refused as a whole, with the reason`, async () => {
      const { hostname = '192.0.2.1', port = 80, ...rest } = message as { hostname?: string; port?: number };
      await house.publish('discover', 'device/post', {
        idIn,
        name: 'plug',
        deviceType: HTTP_TYPE,
        parameters: { hostname, port },
        ...rest,
      });
      const { status } = await device(idIn, 'not_paired');
      assert.match(String(status.reason?.message), reason);
      assert.ok(!(await devices()).some(({ id }) => id === idIn));
    });
  }

  it('device/post with an id of another type, or that of the gateway, leaves what there is', async () => {
    await house.publish('discover', 'device/post', { idIn: 'lamp-1', name: 'x', deviceType: VIRTUAL_TYPE });
    const told = await house.heard<Paired>(
      'discover',
      'device',
      ({ deviceId, status }) => deviceId === 'lamp-1' && status.reason !== undefined,
    );
    assert.deepEqual([told.status.eventType, told.status.reason?.code], ['paired', 'conflict']);
    await house.publish('discover', 'device/post', {
      idIn: house.place.gatewayId,
      name: 'x',
      deviceType: VIRTUAL_TYPE,
    });
    await device(house.place.gatewayId, 'not_paired');
    await refused(/is here already/);
  });

  it('get is answered under its requestId, and a repeat is not asked again', async () => {
    await house.publish('control', 'lamp-1/get', { requestId: 'first', deviceId: 'lamp-1', payload: {} });
    const answer = await fetched('lamp-1', 'first');
    assert.deepEqual(Object.keys(answer).sort(), ['deviceId', 'payload', 'projectId', 'requestId']);
    assert.deepEqual([answer.payload?.state, answer.projectId], ['OFF', house.place.projectId]);
    await house.publish('control', 'lamp-1/get', { requestId: 'first', deviceId: 'lamp-1', payload: {} });
    await house.publish('control', 'lamp-1/get', { requestId: 'second', deviceId: 'lamp-1', payload: {} });
    await fetched('lamp-1', 'second');
    const answers = house.cloud.on(house.topic('control', 'lamp-1/fetch'));
    assert.equal(answers.filter(({ payload }) => (payload as Fetched).requestId === 'first').length, 1);
  });

  it('set reaches the device', async () => {
    await house.publish('control', 'lamp-1/set', { state: 'TOGGLE' });
    await house.heard('discover', 'documented/logs', (told) =>
      JSON.stringify(told).includes('the lamp is ON'),
    );
    await house.publish('control', 'lamp-1/get', { requestId: 'third', deviceId: 'lamp-1', payload: {} });
    assert.equal((await fetched('lamp-1', 'third')).payload?.state, 'ON');
  });

  it('get and set of an HTTP device hand path, method and query on, in the payload or beside it', async () => {
    const parameters = { hostname: '127.0.0.1', port: plugPort, interval: 60 };
    const { id } = await house.daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
      name: 'plug',
      type: HTTP_TYPE,
      parameters,
    });
    await house.daemon.api.send('POST', `/device/v1/devices/${id}/pair`);
    await device(id, 'paired');
    const call = { path: '/relay/0', method: 'GET', queryParams: { turn: 'on' } };
    await house.publish('control', `${id}/set`, call);
    for (const [requestId, message] of [
      ['inside', { payload: { path: '/relay/0', method: 'GET' } }],
      ['beside', { path: '/relay/0', method: 'GET' }],
    ] as const) {
      await house.publish('control', `${id}/get`, { requestId, deviceId: id, ...message });
      const { payload } = await fetched(id, requestId);
      assert.equal(payload?.message?.data['ison'], true);
    }
    await house.publish('control', `${id}/get`, {
      requestId: 'elsewhere',
      deviceId: id,
      payload: { path: '//169.254.169.254/', method: 'GET' },
    });
    assert.match(String((await fetched(id, 'elsewhere')).error?.message), /must begin with one \//);
  });

  it('get of an unknown device, for another device, or too late is answered with the reason', async () => {
    const cases = [
      ['nobody', { requestId: 'u', deviceId: 'nobody' }, 'notFound'],
      ['lamp-1', { requestId: 'o', deviceId: 'nobody' }, 'badRequest'],
      ['lamp-1', { requestId: 'l', deviceId: 'lamp-1', deadline: 1 }, 'outOfDate'],
    ] as const;
    for (const [id, message, code] of cases) {
      await house.publish('control', `${id}/get`, message);
      assert.equal((await fetched(id, message.requestId)).error?.code, code);
    }
  });

  it('set that is too late, by the property of its message, is not carried out', async () => {
    await house.send('control', 'lamp-1/set', { state: 'TOGGLE' }, { userProperties: { deadline: '1000' } });
    await refused(/lamp-1\/set: its deadline passed at 1970/);
    await house.publish('control', 'lamp-1/get', { requestId: 'still', deviceId: 'lamp-1', payload: {} });
    assert.equal((await fetched('lamp-1', 'still')).payload?.state, 'ON');
  });

  it('what is no JSON, no object, too large, too deep, or incomplete is refused and counted', async () => {
    const before = (await house.health())?.badMessages ?? 0;
    const cases: [string, string | Buffer, RegExp][] = [
      ['lamp-1/set', 'TOGGLE', /is not JSON/],
      ['lamp-1/set', '[1]', /must be a JSON object/],
      ['lamp-1/set', JSON.stringify({ state: 'x'.repeat(140_000) }), /at most 131072 are taken/],
      ['lamp-1/set', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, /nested deeper/],
      ['lamp-1/get', '{"payload":{}}', /"requestId" is missing/],
      ['lamp-1/set', Buffer.from([0x7b, 0xff, 0xfe]), /is not JSON/],
      ['unknown/set', '{"state":"ON"}', /there is no device "unknown"/],
    ];
    for (const [rest, payload, words] of cases) {
      await house.send('control', rest, payload);
      await refused(words);
    }
    assert.equal((await house.health())?.badMessages, before + cases.length);
    assert.equal((await house.health())?.state, 'running');
  });

  it('remove takes the device away, and tells it; once more as well', async () => {
    await house.publish('control', 'lamp-1/remove', {});
    const { status } = await device('lamp-1', 'not_paired');
    assert.equal(status.reason?.code, 'removed');
    assert.ok(!(await devices()).some(({ id }) => id === 'lamp-1'));
    await house.publish('control', 'lamp-1/remove', {});
    await house.heard<Paired>('discover', 'device', (told) => told.status.reason?.code === 'notFound');
    await house.publish('control', `${house.place.gatewayId}/remove`, {});
    await refused(/the gateway itself cannot be deleted/);
  });

  it('is carried out when it was asked while the gateway was away', async () => {
    await house.stopDaemon();
    await house.publish('discover', 'device/post', {
      idIn: 'later',
      name: 'later',
      deviceType: VIRTUAL_TYPE,
    });
    await house.startDaemon();
    await device('later', 'paired');
  });
});
