import assert from 'node:assert/strict';
import {
  AddonError,
  type DeviceConfig,
  type DeviceRequest,
  type JsonObject,
  systemClock,
} from '@gate/addon-sdk';
import { HttpAddon } from '../../../addons/http/src/http-addon.ts';
import { HttpExchange } from '../../../addons/http/src/http-exchange.ts';
import { ShellyPlugS } from '../../simulators/shelly-plug-s.ts';
import { until } from './manual-clock.ts';

describe('the HTTP add-on with a Shelly Plug S', () => {
  let plug: ShellyPlugS;
  let port: number;
  let addon: HttpAddon;
  let readings: { deviceId: string; data: JsonObject; ts: number | undefined }[];
  let said: unknown[];

  beforeEach(async () => {
    plug = new ShellyPlugS();
    port = await plug.start();
    readings = [];
    said = [];
    addon = new HttpAddon({
      exchange: new HttpExchange(systemClock),
      gate: {
        report: (deviceId, data, options) => readings.push({ deviceId, data, ts: options?.ts }),
        availability: (deviceId, online, reason) => said.push([deviceId, online, reason]),
        event: (event) => said.push(event),
        log: { info: () => undefined, error: () => undefined },
      },
      listen: async () => undefined,
      clock: systemClock,
      random: () => 0,
    });
  });

  afterEach(async () => {
    await addon.handlers.stop?.();
    await plug.stop();
  });

  const { signal } = new AbortController();
  const request = (params: JsonObject): DeviceRequest => ({
    method: 'any',
    deviceId: 'd1',
    params,
    deadline: Date.now() + 10_000,
    signal,
  });
  const here = () => ({ protocol: 'http', hostname: '127.0.0.1', port });
  const pair = (parameters: JsonObject) => addon.handlers.pair?.(request({ type: 't', parameters }));
  const configure = (...devices: Partial<DeviceConfig>[]) =>
    addon.handlers.configure?.({
      parameters: {},
      devices: devices.map((each) => ({ id: 'd1', type: 't', parameters: {}, address: null, ...each })),
    });
  const statusOf = (data: JsonObject) => (data['message'] as { data: JsonObject }).data;

  it('pairs with a device that answers, says so, and keeps where it is', async () => {
    assert.deepEqual(await pair({ hostname: '127.0.0.1', port }), here());
    assert.deepEqual(said, [{ type: 'joined', deviceId: 'd1' }]);
  });

  it('says why it cannot pair, and what to do', async () => {
    const reject = async (code: string, path = '/status') => {
      const isClear = (error: unknown) => {
        assert.ok(error instanceof AddonError);
        assert.equal(error.code, code);
        assert.ok(error.hint);
        return true;
      };
      await assert.rejects(async () => pair({ hostname: '127.0.0.1', port, path }), isClear);
    };
    await reject('refused', '/nowhere');
    plug.fault = 'notJson';
    await reject('notJson');
    plug.fault = 'failing';
    await reject('refused');
    plug.fault = 'unauthorized';
    await reject('refused');
    plug.fault = 'truncated';
    await reject('brokenAnswer');
    await plug.stop();
    await reject('unreachable');
    assert.deepEqual(said, []);
  });

  it('polls a paired device and hands on what it says as it says it', async () => {
    configure({ address: here() });
    await until(() => readings.length === 1);
    const [reading] = readings;
    assert.ok(reading && reading.ts !== undefined);
    assert.equal(reading.data['type'], 'data');
    assert.equal(statusOf(reading.data)['mac'], '7C87CEB4A1F0');
    assert.deepEqual(said, [['d1', true, undefined]]);
  });

  it('does not poll what is not paired', async () => {
    configure({ parameters: here() }, { id: 'd2', address: here() });
    await until(() => readings.length === 1);
    assert.equal(readings[0]?.deviceId, 'd2');
    assert.equal(plug.requests, 1);
  });

  it('keeps polling other devices while one hangs', async () => {
    const hanging = new ShellyPlugS();
    hanging.fault = 'hanging';
    const itsPort = await hanging.start();
    configure(
      { id: 'd2', address: { ...here(), port: itsPort } },
      { address: here(), parameters: { interval: 1 } },
    );
    await until(() => readings.length === 2);
    assert.ok(readings.every(({ deviceId }) => deviceId === 'd1'));
    assert.equal(hanging.requests, 1);
    await hanging.stop();
  });

  it('tells of a device whose address makes no sense and polls the others', async () => {
    configure({ id: 'd2', address: { hostname: 'a b' } }, { address: here() });
    await until(() => readings.length === 1);
    assert.deepEqual(said[0], ['d2', false, (said[0] as string[])[2]]);
  });

  it('switches the plug by path and query, and hands back its answer', async () => {
    configure({ address: here() });
    const answer = await addon.handlers.set?.(
      request({ path: '/relay/0', queryParams: { turn: 'on' }, body: {} }),
    );
    assert.equal(plug.on, true);
    assert.equal(statusOf(answer as JsonObject)['ison'], true);
    await addon.handlers.set?.(request({ path: '/relay/0?turn=off' }));
    assert.equal(plug.on, false);
  });

  it('gets the polled path where none is named', async () => {
    configure({ address: here(), parameters: { path: '/meter/0' } });
    const answer = await addon.handlers.get?.(request({}));
    assert.equal(statusOf(answer as JsonObject)['is_valid'], true);
    const other = await addon.handlers.get?.(request({ path: '/shelly' }));
    assert.equal(statusOf(other as JsonObject)['type'], 'SHPLG-S');
  });

  it("reports a refusal in the device's own words", async () => {
    configure({ address: here() });
    await assert.rejects(
      async () => addon.handlers.set?.(request({ path: '/relay/0', queryParams: { turn: 'up' } })),
      {
        code: 'deviceRefused',
        deviceStatus: 400,
        message: /Bad turn!/,
      },
    );
  });

  it('sends nothing that could lead elsewhere or smuggle a header', async () => {
    configure({ address: here() });
    await until(() => readings.length === 1);
    const before = plug.requests;
    for (const params of [
      {},
      { path: 'relay/0' },
      { path: '//other/relay' },
      { path: '/relay/0 HTTP/1.1\r\nHost: other' },
      { path: '/relay/0', method: 'CONNECT' },
      { path: '/relay/0', queryParams: { turn: {} } },
    ]) {
      await assert.rejects(async () => addon.handlers.set?.(request(params as JsonObject)), {
        code: 'badRequest',
      });
    }
    assert.equal(plug.requests, before);
  });

  it('serves no commands for a device that is not paired', async () => {
    configure({ parameters: here() });
    await assert.rejects(async () => addon.handlers.set?.(request({ path: '/relay/0' })), {
      code: 'notPaired',
    });
    await assert.rejects(async () => addon.handlers.get?.(request({})), { code: 'notPaired' });
  });

  it('forgets a device that is removed', async () => {
    configure({ address: here(), parameters: { interval: 1 } });
    await until(() => readings.length === 1);
    assert.equal(await addon.handlers.remove?.(request({})), null);
    await assert.rejects(async () => addon.handlers.get?.(request({})), { code: 'notPaired' });
  });
});
