/**
 * The published API document, its REST part: each request as it is printed, by curl against the running daemon, and
 * its answer compared with the printed JSON. docs/documented-examples.md says where each example is tested.
 */
import assert from 'node:assert/strict';
import { assertShape } from '../../support/shape.ts';
import { until } from '../../support/until.ts';
import { House } from './support/house.ts';
import {
  FETCHED_OPERATION,
  GATEWAY_DEVICE,
  LISTED_DEVICES,
  LOG_LINES,
  PROTOCOL,
  TOKEN,
  TYPE,
} from './support/printed.ts';

const AUTHORIZATION = `-H "Authorization: Bearer abc.def.ghi"`;
const DEVICES = 'http://yourProjectName.instathings.io/device/v1/devices';
const TYPES = 'http://yourProjectName.instathings.io/device/v1/types';

interface Named {
  id: string;
  name: string;
  isGateway: boolean;
}

describe('the API document, over REST', () => {
  let house: House;
  before(async () => {
    house = await House.open();
  });
  after(() => house?.close());

  it('Get Authentication token', async () => {
    const { status, body } = await house.curl(
      `curl -XPOST \\
-H "Content-type: application/json" \\
-d '{ "clientId":"yourClientId", "clientSecret": "yourClientSecret"}' \\
'https://yourProjectName.instathings.io/authentication/v1/oauth/token'`,
      { yourClientId: house.clientId, yourClientSecret: house.clientSecret },
    );
    assert.equal(status, 200);
    assertShape(TOKEN, body);
    // a JSON Web Token as the printed one: three parts, of which the first names type and algorithm
    const [header = ''] = (body as typeof TOKEN).access_token.split('.');
    assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), { alg: 'HS256', typ: 'JWT' });
  });

  it('Get all devices', async () => {
    await house.addVirtual();
    const { status, body } = await house.curl(`curl "${DEVICES}"\n  ${AUTHORIZATION}`);
    assert.equal(status, 200);
    const [, gateway, sub] = LISTED_DEVICES;
    const devices = body as Named[];
    assertShape(
      [gateway],
      devices.filter(({ isGateway }) => isGateway),
    );
    // every other device here is below the gateway: it has what the third printed one has
    assertShape(
      [sub],
      devices.filter(({ isGateway }) => !isGateway),
    );
  });

  it('Get device by id', async () => {
    const [gatewayId, sub] = [await house.gatewayId(), await house.addVirtual()];
    const printed = `curl "${DEVICES}/:deviceId"\n  ${AUTHORIZATION}`;
    const gateway = await house.curl(printed, { ':deviceId': gatewayId });
    assert.equal(gateway.status, 200);
    assertShape(GATEWAY_DEVICE, gateway.body);
    const one = await house.curl(printed, { ':deviceId': sub });
    assertShape(GATEWAY_DEVICE.subDevices[0], one.body);
    assert.equal((one.body as { parentDevice: string }).parentDevice, gatewayId);
  });

  it('Patch device by id', async () => {
    const deviceId = await house.addVirtual();
    const { status, body } = await house.curl(
      `curl -XPATCH -H 'Authorization: Bearer abc.def.ghi' -H "Content-type: application/json" -d '{
    "name": "New name"
}' 'http://yourProjectName.instathings.io/device/v1/devices/:deviceId'`,
      { ':deviceId': deviceId },
    );
    assert.deepEqual([status, body], [200, {}]);
    const { name } = await house.daemon.api.get<Named>(`/device/v1/devices/${deviceId}`);
    assert.equal(name, 'New name');
  });

  it('Patch device by id, with each documented body parameter at its bound', async () => {
    const deviceId = await house.addVirtual();
    const patch = (parameters: object) =>
      house.curl(
        `curl -XPATCH -H 'Authorization: Bearer abc.def.ghi' -H "Content-type: application/json" -d '${JSON.stringify(parameters)}' '${DEVICES}/:deviceId'`,
        { ':deviceId': deviceId },
      );
    for (const parameters of [{ name: 'x'.repeat(20) }, { frequency: 30 }, { demoActive: true }]) {
      const { status, body } = await patch(parameters);
      assert.deepEqual([status, body], [200, {}], JSON.stringify(parameters));
    }
    for (const parameters of [{ name: 'x'.repeat(21) }, { frequency: 29 }, { demoActive: 'yes' }]) {
      assert.equal((await patch(parameters)).status, 400, JSON.stringify(parameters));
    }
  });

  it('Delete a device by id', async () => {
    const deviceId = await house.addVirtual();
    const { status, body } = await house.curl(
      `curl -XDELETE -H 'Authorization: Bearer abc.def.ghi' 'http://yourProjectName.instathings.io/device/v1/devices/:deviceId'`,
      { ':deviceId': deviceId },
    );
    assert.deepEqual([status, body], [200, {}]);
    assert.equal((await house.daemon.api.call('GET', `/device/v1/devices/${deviceId}`)).status, 404);
  });

  it('Delete a subdevice by id', async () => {
    const deviceId = await house.addVirtual();
    const ids = { ':parentDeviceId': await house.gatewayId(), ':deviceId': deviceId };
    const { status, body } = await house.curl(
      `curl -XDELETE -H 'Authorization: Bearer abc.def.ghi' 'http://yourProjectName.instathings.io/devices/:parentDeviceId/subDevice/subDevices/:deviceId'`,
      ids,
    );
    assert.deepEqual([status, body], [200, {}]);
    assert.equal((await house.daemon.api.call('GET', `/device/v1/devices/${deviceId}`)).status, 404);
  });

  it('Control a device by id, Get device status by id, Retrieve operation by id', async () => {
    const ids = { ':deviceId': await house.addDocumented() };
    const set = await house.curl(
      `curl -XPOST -H 'Authorization: Bearer abc.def.ghi' -H "Content-type: application/json" -d '{
    "state": "TOGGLE"
}' 'http://yourProjectName.instathings.io/device/v1/control/:deviceId/set'`,
      ids,
    );
    assert.deepEqual([set.status, set.body], [200, {}]);

    const asked = await house.curl(
      `curl -XPOST -H 'Authorization: Bearer abc.def.ghi' 'http://yourProjectName.instathings.io/device/v1/control/:deviceId/status'`,
      ids,
    );
    assert.deepEqual([asked.status, asked.body], [202, {}]);
    const location = asked.headers.get('location') ?? '';
    const [, requestId = ''] = /^\/device\/v1\/control\/([^/]+)\/fetch$/.exec(location) ?? [];
    assert.notEqual(requestId, '', `Location is "${location}"`);

    const fetched = await until('the device has answered', async () => {
      const answer = await house.curl(
        `curl -XGET -H 'Authorization: Bearer abc.def.ghi' 'http://yourProjectName.instathings.io/device/v1/control/:requestId/fetch'`,
        { ':requestId': requestId },
      );
      return answer.status === 200 && (answer.body as typeof FETCHED_OPERATION);
    });
    assertShape(FETCHED_OPERATION, fetched);
    // this device was toggled above, and then says what is printed
    assert.deepEqual(fetched.response, FETCHED_OPERATION.response);
    assert.deepEqual([fetched.deviceId, fetched.id], [ids[':deviceId'], requestId]);
  });

  it('Control a device by id: HTTP devices, with the example of the Shelly Plug S', async () => {
    const ids = { ':deviceId': await house.addPlug(60) };
    // the document says this in words: ?turn=on, instathings-path /relay/0, and the method
    const headers = `-H "instathings-path: /relay/0" -H "instathings-method: GET"`;
    for (const turn of ['on', 'off']) {
      const { status, body } = await house.curl(
        `curl -XPOST ${AUTHORIZATION} ${headers} 'http://yourProjectName.instathings.io/device/v1/control/:deviceId/set?turn=${turn}'`,
        ids,
      );
      assert.deepEqual([status, body], [200, {}]);
      assert.equal(house.plug.on, turn === 'on');
    }
    const refused = await house.curl(
      `curl -XPOST ${AUTHORIZATION} ${headers} 'http://yourProjectName.instathings.io/device/v1/control/:deviceId/set?turn=sideways'`,
      ids,
    );
    const { code, deviceStatus } = refused.body as { code: string; deviceStatus: number };
    assert.deepEqual([refused.status, code, deviceStatus], [503, 'deviceRefused', 400]);
    const without = await house.curl(
      `curl -XPOST ${AUTHORIZATION} 'http://yourProjectName.instathings.io/device/v1/control/:deviceId/set?turn=on'`,
      ids,
    );
    assert.equal(without.status, 400);
  });

  it('Get device logs', async () => {
    const ids = { ':deviceId': await house.gatewayId(), ':containerId': 'gate' };
    const printed = `curl "${DEVICES}/:deviceId/:containerId/logs"\n  ${AUTHORIZATION}`;
    const { status, body } = await house.curl(printed, ids);
    assert.equal(status, 200);
    assertShape(LOG_LINES, body);
    const lines = body as typeof LOG_LINES;
    assert.ok(lines.every(({ type }) => type === 'LOG' || type === 'ERR'));
    const [first] = lines;
    const range = `?start=${first?.timestamp}&end=${first?.timestamp}`;
    const narrowed = await house.curl(printed.replace('/logs"', `/logs${range}"`), ids);
    assert.deepEqual((narrowed.body as typeof LOG_LINES)[0], first);
    for (const half of [`?start=1`, `?end=1`]) {
      assert.equal((await house.curl(printed.replace('/logs"', `/logs${half}"`), ids)).status, 400);
    }
  });

  it('Get protocol by id', async () => {
    const listed = await house.daemon.api.get<{ id: string; slug: string }[]>('/device/v1/protocols');
    const { id = '' } = listed.find(({ slug }) => slug === 'http') ?? {};
    const { status, body } = await house.curl(
      `curl "http://yourProjectName.instathings.io/device/v1/protocols/:protocolId"\n  ${AUTHORIZATION}`,
      { ':protocolId': id },
    );
    assert.equal(status, 200);
    assertShape(PROTOCOL, body);
    assert.equal((body as typeof PROTOCOL).slug, 'http');
  });

  it('Get all types, Get type by id', async () => {
    const all = await house.curl(`curl "${TYPES}"\n  ${AUTHORIZATION}`);
    assert.equal(all.status, 200);
    assertShape([TYPE], all.body);
    const types = all.body as (typeof TYPE)[];
    // there are thousands: each protocol's first, and some of all
    const some = types.filter(
      ({ addOn }, index) => index % 400 === 0 || types.findIndex((type) => type.addOn === addOn) === index,
    );
    assert.ok(some.length >= 4, `only ${some.length} types`);
    let told = 0;
    for (const type of some) {
      const one = await house.curl(`curl "${TYPES}/:typeId"\n  ${AUTHORIZATION}`, { ':typeId': type.id });
      // an addition that the list has not
      const { settable, ...documented } = one.body as typeof TYPE & { settable?: object };
      assert.deepEqual([one.status, documented], [200, type]);
      if (settable !== undefined) told += 1;
    }
    assert.ok(told >= some.length / 3, `only ${told} of ${some.length} say what they can be told`);
  });
});
