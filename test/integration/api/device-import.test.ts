/** Many devices at once, and the files they come from. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { UPLOAD_MAX_BYTES } from '../../../src/contract/limits.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { UPLOAD_KEPT_MS, UPLOADS_MAX } from '../../../src/supervisor/addon-uploads.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest, HTTP_TYPE } from './support/api-under-test.ts';

const KNX = '/device/v1/protocols/knx';
const TYPE = '8d6f3b52-6b0c-4f0e-9a55-2f4c1d7be3a1';
const OCTETS = { 'Content-Type': 'application/octet-stream' };

interface Imported {
  devices: { key: string; outcome: string; deviceId?: string; reason?: { code: string; message: string } }[];
}

describe('devices of a protocol, many at once', () => {
  let gate: ApiUnderTest;

  beforeEach(async () => {
    gate = await ApiUnderTest.start();
    gate.types.replace('knx', [
      {
        id: TYPE,
        description: 'Any KNX device',
        manufacturer: 'Generic',
        model: 'KNX-DEVICE',
        protocols: ['knx'],
        pairingMethods: [],
        physicalParameter: [],
        rooms: [],
        space: [],
        type: 'sensor',
        parameters: {
          type: 'object',
          required: ['group_address'],
          properties: { group_address: { type: 'string' }, dpt: { type: 'string', default: '1.001' } },
        },
      },
    ]);
    await gate.protocols.install('knx', { ip_address: '10.0.0.9' });
    gate.link.answer = async () => ({ found: true });
  });
  afterEach(() => gate.stop());

  const wanted = (key: string, group: string, more: JsonObject = {}) => ({
    key,
    name: `device ${key}`,
    type: TYPE,
    parameters: { group_address: group },
    ...more,
  });
  const put = (devices: object[], more: object = {}) =>
    gate.call<Imported>(`${KNX}/devices`, { method: 'POST', body: { devices, ...more } });
  const pairings = () => gate.link.requests.filter(({ request }) => request.method === 'pair').length;
  const allPaired = (count: number) =>
    until('all are paired', () => {
      const paired = gate.devices.subDevices().filter(({ status }) => status.eventType === 'paired');
      return paired.length === count;
    });

  it('are made, named, paired, and known again', async () => {
    const list = Array.from({ length: 20 }, (_, at) => wanted(`k${at}`, `1/0/${at + 1}`));
    const { status, body } = await put(list);
    assert.equal(status, 200);
    assert.deepEqual(
      body.devices.map(({ key, outcome }) => [key, outcome]),
      list.map(({ key }) => [key, 'created']),
    );
    await allPaired(20);
    const made = gate.devices.get(body.devices[3]?.deviceId ?? '');
    assert.deepEqual(
      [made.name, made.importKey, made.parameters],
      ['device k3', 'k3', { group_address: '1/0/4', dpt: '1.001' }],
    );
    const shown = await gate.call(`/device/v1/devices/${made.id}`);
    assert.equal(shown.body['importKey'], 'k3');

    const again = await put(list);
    assert.deepEqual(
      again.body.devices.map(({ outcome, deviceId }) => [outcome, deviceId]),
      body.devices.map(({ deviceId }) => ['unchanged', deviceId]),
    );
    assert.deepEqual([gate.devices.subDevices().length, pairings()], [20, 20]);
  });

  it('are changed and paired anew where they have changed, and keep the name that they have here', async () => {
    const [first] = (await put([wanted('a', '1/0/1'), wanted('b', '1/0/2')])).body.devices;
    await allPaired(2);
    await gate.devices.patch(first?.deviceId ?? '', { name: 'my own name' });
    const { body } = await put([wanted('a', '1/0/9'), wanted('b', '1/0/2')]);
    assert.deepEqual(
      body.devices.map(({ outcome }) => outcome),
      ['changed', 'unchanged'],
    );
    await until('it is paired again', () => pairings() === 3);
    await allPaired(2);
    const { name, parameters } = gate.devices.get(first?.deviceId ?? '');
    assert.deepEqual([name, parameters], ['my own name', { group_address: '1/0/9', dpt: '1.001' }]);
  });

  it('are made all the same when one of them cannot be, which is told with the reason', async () => {
    const { body } = await put([
      wanted('a', '1/0/1'),
      wanted('b', '1/0/2', { parameters: {} }),
      wanted('c', '1/0/3', { type: HTTP_TYPE, parameters: { hostname: 'h' } }),
      wanted('d', '1/0/4', { type: 'none' }),
    ]);
    assert.deepEqual(
      body.devices.map(({ outcome }) => outcome),
      ['created', 'refused', 'refused', 'refused'],
    );
    assert.match(body.devices[1]?.reason?.message ?? '', /group_address/);
    assert.match(body.devices[2]?.reason?.message ?? '', /not one of protocol "knx"/);
    await allPaired(1);
  });

  it('are paired when the list is given again, where the first time failed', async () => {
    gate.link.answer = () => Promise.reject(new Error('no link'));
    await put([wanted('a', '1/0/1')]);
    await until('it has failed', () => gate.devices.subDevices()[0]?.status.eventType === 'not_paired');
    gate.link.answer = async () => ({ found: true });
    const { body } = await put([wanted('a', '1/0/1')]);
    assert.equal(body.devices[0]?.outcome, 'unchanged');
    await allPaired(1);
  });

  it('are not paired where that is not wanted, and made once by two calls at once', async () => {
    const [one, other] = await Promise.all([
      put([wanted('a', '1/0/1')], { pair: false }),
      put([wanted('a', '1/0/1')], { pair: false }),
    ]);
    assert.deepEqual([one.body.devices[0]?.outcome, other.body.devices[0]?.outcome].sort(), [
      'created',
      'unchanged',
    ]);
    assert.deepEqual([gate.devices.subDevices().length, pairings()], [1, 0]);
  });

  it('are refused as a whole when the list is malformed, or the protocol is not there', async () => {
    for (const body of [
      {},
      { devices: 'all' },
      { devices: [{ ...wanted('a', '1/0/1'), name: 'n'.repeat(21) }] },
      { devices: [wanted('a', '1/0/1'), wanted('a', '1/0/2')] },
      { devices: [wanted('', '1/0/1')] },
      { devices: Array.from({ length: 1_001 }, (_, at) => wanted(`k${at}`, '1/0/1')) },
    ]) {
      const { status } = await gate.call(`${KNX}/devices`, { method: 'POST', body });
      assert.equal(status, 400, JSON.stringify(body).slice(0, 100));
    }
    assert.equal(gate.devices.subDevices().length, 0);
    await gate.protocols.remove('knx', { force: true });
    assert.equal((await put([wanted('a', '1/0/1')])).status, 409);
  });

  describe('from a file', () => {
    const send = (content: string, headers: Record<string, string> = OCTETS) =>
      gate.call<{ file: string; bytes: number }>(`${KNX}/files`, { method: 'POST', headers, body: content });
    const there = () => readdirSync(gate.uploadsOf('knx'));

    it('that lies in the data folder of the add-on, whole, under a name of its own', async () => {
      const content = 'x'.repeat(3_000_000);
      const { status, body } = await send(content);
      assert.deepEqual([status, body.bytes], [201, content.length]);
      assert.match(body.file, /^[A-Za-z0-9]+$/);
      assert.equal(readFileSync(join(gate.uploadsOf('knx'), body.file), 'utf8'), content);
    });

    it('of which the last few are kept, for an hour', async () => {
      const files: string[] = [];
      for (let at = 0; at < UPLOADS_MAX + 2; at += 1) files.push((await send(`file ${at}`)).body.file);
      assert.deepEqual(there().sort(), files.slice(-UPLOADS_MAX).sort());
      const old = new Date(Date.now() - UPLOAD_KEPT_MS - 1_000);
      for (const file of there()) utimesSync(join(gate.uploadsOf('knx'), file), old, old);
      writeFileSync(join(gate.uploadsOf('knx'), 'cut-off.part'), 'x');
      const { file } = (await send('new')).body;
      assert.deepEqual(there(), [file]);
    });

    it('that is not taken when it is too large, in a form, compressed, or for nobody', async () => {
      assert.equal((await send('x', { 'Content-Type': 'multipart/form-data; boundary=x' })).status, 415);
      assert.equal((await send('x', { ...OCTETS, 'Content-Encoding': 'gzip' })).status, 415);
      const large = await send('x'.repeat(UPLOAD_MAX_BYTES + 1));
      assert.equal(large.status, 413);
      // one that does not say how large it is
      const megabyte = new Uint8Array(1024 * 1024);
      let left = UPLOAD_MAX_BYTES / megabyte.length + 1;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (left > 0) controller.enqueue(megabyte);
          else controller.close();
          left -= 1;
        },
      });
      const options = { method: 'POST', headers: OCTETS, body, duplex: 'half' } as RequestInit;
      assert.equal((await fetch(`${gate.url}${KNX}/files`, options)).status, 413);
      assert.deepEqual(there(), []);
      await gate.protocols.install('http', {}).catch(() => undefined);
      const headers = OCTETS;
      const http = await gate.call('/device/v1/protocols/http/files', { method: 'POST', headers, body: 'x' });
      assert.equal(http.status, 409);
    });

    it('of which nothing is left when it breaks off', async () => {
      const socket = connect(gate.port, '127.0.0.1');
      socket.on('error', () => undefined);
      const head = [
        `POST ${KNX}/files HTTP/1.1`,
        'Host: localhost',
        'Content-Type: application/octet-stream',
        'Content-Length: 1000',
      ];
      socket.write(`${head.join('\r\n')}\r\n\r\nhalf of it`);
      await until('it has begun', () => {
        try {
          return there().length === 1;
        } catch {
          return false;
        }
      });
      socket.destroy();
      await until('nothing is left', () => there().length === 0);
      assert.equal((await send('whole')).status, 201);
    });
  });
});
