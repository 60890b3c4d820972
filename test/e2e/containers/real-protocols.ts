/** gate's own add-ons as containers, built as they are shipped: a value is read through each. */
import assert from 'node:assert/strict';
import { typeIdOf } from '../../../addons/zigbee/src/type-id.ts';
import { imageNames } from '../../../scripts/images/image-context.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { ShellyPlugS } from '../../simulators/shelly-plug-s.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { projectArchive } from '../../support/knx-project.ts';
import { Knxd } from '../../support/knxd.ts';
import { TcpRelay } from '../../support/tcp-relay.ts';
import { until } from '../../support/until.ts';
import { ContainerHouse } from './container-house.ts';

const HTTP_DEVICE_TYPE = 'f3cf0bb5-e059-469c-b100-4f1e8b2575b1';
const KNX_DEVICE_TYPE = '8d6f3b52-6b0c-4f0e-9a55-2f4c1d7be3a1';

export function describeRealProtocols(engine: () => ContainerEngine): void {
  describe('a value, read through a container', () => {
    let house: ContainerHouse;
    const images: Record<string, string> = {};

    before(async function () {
      this.timeout(180_000);
      const { registry } = engine();
      house = await ContainerHouse.open(engine(), { ADDON_IMAGES: `${registry}/instathings/*` });
      await engine().makeImages(['http', 'knx', 'zigbee']);
      for (const [slug, name] of imageNames()) images[slug] = `${registry}/${name}`;
      await house.start();
    });
    after(() => house?.close());

    async function installed(slug: string, parameters: object = {}): Promise<void> {
      const { installationSuccess, stderr } = await house.outcome('POST', slug, {
        parameters,
        image: images[slug],
      });
      assert.equal(installationSuccess, true, `${(await house.protocol(slug)).reason} ${stderr}`);
      const [container] = await house.containers(slug);
      assert.equal(container?.state, 'running');
    }

    async function paired(type: string, parameters: object, join?: () => void): Promise<string> {
      const { api } = house.daemon;
      const { id } = await api.send<{ id: string }>('POST', '/device/v1/devices', {
        name: 'd',
        type,
        parameters,
      });
      await api.send('POST', `/device/v1/devices/${id}/pair`);
      join?.();
      const device = await until(
        'the pairing ends',
        async () => {
          const now = await api.get<{ status: { eventType: string; reason?: unknown } }>(
            `/device/v1/devices/${id}`,
          );
          return !['discovering', 'created'].includes(now.status.eventType) && now;
        },
        60_000,
      );
      assert.equal(device.status.eventType, 'paired', JSON.stringify(device.status.reason));
      return id;
    }

    const reading = (id: string, name: string) =>
      until(`a reading of ${name}`, async () => {
        const path = `/device/v1/devices/${id}/data?sort=-ts`;
        const { data } = await house.daemon.api.get<{ data: { data: Record<string, unknown> }[] }>(path);
        return data.find((each) => each.data[name] !== undefined)?.data[name];
      });

    it('over HTTP', async () => {
      await house.removed('http');
      await installed('http');
      const plug = new ShellyPlugS();
      const gateway = await house.gateway();
      const port = await plug.start(0, gateway);
      try {
        const id = await paired(HTTP_DEVICE_TYPE, { hostname: gateway, port, path: '/meter/0', interval: 1 });
        const { data } = (await reading(id, 'message')) as { data: { power: unknown } };
        assert.equal(typeof data.power, 'number');
      } finally {
        await plug.stop();
      }
    });

    it('over Zigbee, from a coordinator behind TCP', async function () {
      this.timeout(120_000);
      const radio = await SimulatedRadio.start();
      const gateway = await house.gateway();
      // the simulated stick is on the loopback address, where no container reaches it
      const door = new TcpRelay(Number(new URL(radio.url).port));
      const port = `tcp://${gateway}:${await door.start(gateway)}`;
      try {
        await installed('zigbee', { port });
        await house.runs('zigbee');
        const sensor = radio.add(new TemperatureSensor());
        const id = await paired(typeIdOf('SONOFF', 'SNZB-02'), {}, () => sensor.seek());
        sensor.report({ temperature: 21.57 });
        assert.equal(await reading(id, 'temperature'), 21.57);
        // the network lives in the volume: a new container finds it
        await house.call('DELETE', 'zigbee', undefined, '?force=true');
        await until('it is removed', async () => (await house.protocol('zigbee')).status === 'notInstalled');
        await installed('zigbee', { port });
        await house.runs('zigbee');
        sensor.report({ temperature: 22.25 });
        await until('the device is known', async () => (await reading(id, 'temperature')) === 22.25);
      } finally {
        await door.stop();
        await radio.stop();
      }
    });

    /** A file that is sent for it, which it may read and nothing else. */
    async function importsProject(): Promise<void> {
      const { api, url } = house.daemon;
      const path = '/device/v1/protocols/knx';
      const headers = { 'Content-Type': 'application/octet-stream' };
      const body = new Uint8Array(projectArchive({ schema: 22 }));
      const sent = await fetch(`${url}${path}/files`, { method: 'POST', headers, body });
      const { file } = (await sent.json()) as { file: string };
      const begun = await api.call('POST', `${path}/actions/importProject`, { file });
      const result = await until('the import has ended', async () => {
        const { body: operation } = await api.call<{ response?: { devices: unknown[] } }>(
          'GET',
          String(begun.headers['location']),
        );
        return operation.response;
      });
      assert.ok(result.devices.length > 0, JSON.stringify(result));
      const [container] = await house.containers('knx');
      const inside = (...command: string[]) => engine().docker('exec', container?.id ?? '', ...command);
      await inside('test', '-r', `/data/uploads/${file}`);
      await assert.rejects(inside('sh', '-c', 'echo x > /data/uploads/more'), /Read-only file system/);
    }

    it('over KNX, from knxd', async function () {
      if (reasonToSkip('knxd')) this.skip();
      const knxd = await Knxd.start();
      try {
        const gateway = await house.gateway();
        await installed('knx', { ip_address: gateway, port: knxd.port, route_back: true });
        await house.runs('knx');
        const datapoints = [
          { name: 'temperature', group_address: '1/0/3', dpt: '9.001', flags: ['read', 'listen'] },
        ];
        const id = await paired(KNX_DEVICE_TYPE, { datapoints });
        await knxd.write('1/0/3', '0c33');
        assert.equal(await reading(id, 'temperature'), 21.5);
        await importsProject();
      } finally {
        await knxd.stop();
      }
    });
  });
}
