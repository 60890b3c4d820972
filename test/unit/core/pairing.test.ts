import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { INTERVIEW_TIMEOUT_MS, JOIN_TIMEOUT_MS } from '../../../src/core/devices/pairing.ts';
import { GatewayError } from '../../../src/model/error.ts';
import type { JsonValue } from '../../../src/model/json.ts';
import { type HouseOfDevices, houseOfDevices } from './house-of-devices.ts';

/** Lets everything that is ready run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('pairing', () => {
  let house: HouseOfDevices;
  let id: string;
  let finish: (outcome: { address: JsonValue } | { error: GatewayError }) => void;

  beforeEach(async () => {
    house = await houseOfDevices();
    ({ id } = await house.devices.create({ name: 'lamp', type: 'lamp-type', parameters: { hostname: 'a' } }));
    house.link.answer = ({ method }) =>
      method === 'pair'
        ? new Promise((resolve, reject) => {
            finish = (outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.address));
          })
        : Promise.resolve(null);
    mock.timers.enable({ apis: ['setTimeout'] });
  });
  afterEach(() => mock.timers.reset());

  const status = () => house.devices.get(id).status;
  const methods = () => house.link.requests.map(({ request }) => request.method);

  it('ends as paired, with the address that the add-on found', async () => {
    await house.pairing.pair(id);
    assert.equal(status().eventType, 'discovering');
    finish({ address: { ieee: '0x1' } });
    await settle();
    assert.equal(status().eventType, 'paired');
    assert.deepEqual(house.devices.get(id).address, { ieee: '0x1' });
    assert.deepEqual(house.devices.configOf('lamps')[0]?.address, { ieee: '0x1' });
  });

  it('ends as not paired, with the add-on’s reason and the next step', async () => {
    await house.pairing.pair(id);
    finish({
      error: new GatewayError('deviceRefused', 'wrong model', {
        reasonCode: 'wrongModel',
        hint: 'take the other',
      }),
    });
    await settle();
    assert.equal(status().eventType, 'not_paired');
    assert.deepEqual(status().reason, { code: 'wrongModel', message: 'wrong model', hint: 'take the other' });
  });

  it('ends when nothing joined in time, and tells the add-on to stop looking', async () => {
    await house.pairing.pair(id);
    mock.timers.tick(JOIN_TIMEOUT_MS);
    await settle();
    assert.equal(status().eventType, 'not_paired');
    assert.match(String(status().reason?.message), /nothing joined within 30 s/);
    assert.deepEqual(methods(), ['pair', 'cancelPairing']);
  });

  it('gives an interview its own time once something has joined', async () => {
    await house.pairing.pair(id);
    mock.timers.tick(JOIN_TIMEOUT_MS - 1);
    house.events.emit('addonEventReported', { slug: 'lamps', type: 'joined', deviceId: id, details: {} });
    mock.timers.tick(INTERVIEW_TIMEOUT_MS - 1);
    await settle();
    assert.equal(status().eventType, 'discovering');
    mock.timers.tick(1);
    await settle();
    assert.match(String(status().reason?.message), /interview took longer than 180 s/);
  });

  it('tells each step of this device, and none of another', async () => {
    const told: unknown[] = [];
    house.events.on('pairingStepped', ({ deviceId, step, details }) =>
      told.push({ deviceId, step, details }),
    );
    await house.pairing.pair(id);
    const said = (type: string, deviceId: string, details = {}) =>
      house.events.emit('addonEventReported', { slug: 'lamps', type, deviceId, details });
    said('joined', id, { ieeeAddress: '0x1' });
    said('interviewing', 'another');
    said('rejoined', id);
    said('configuring', id);
    finish({ address: {} });
    await settle();
    said('configured', id);
    assert.deepEqual(told, [
      { deviceId: id, step: 'joined', details: { ieeeAddress: '0x1' } },
      { deviceId: id, step: 'configuring', details: {} },
    ]);
  });

  it('goes on when it is another device that joined', async () => {
    await house.pairing.pair(id);
    house.events.emit('addonEventReported', {
      slug: 'lamps',
      type: 'joined',
      deviceId: 'other',
      details: {},
    });
    mock.timers.tick(JOIN_TIMEOUT_MS);
    await settle();
    assert.match(String(status().reason?.message), /nothing joined/);
  });

  it('can be cancelled, and not be begun twice', async () => {
    await house.pairing.pair(id);
    await assert.rejects(house.pairing.pair(id), { code: 'conflict' });
    house.pairing.cancel(id);
    await settle();
    assert.match(String(status().reason?.message), /cancelled/);
    assert.throws(() => house.pairing.cancel(id), { code: 'conflict' });
  });

  it('that a restart interrupted says so at the next start', async () => {
    await house.pairing.pair(id);
    const again = await houseOfDevices(house.registry);
    await again.pairing.start();
    assert.deepEqual(
      [again.devices.get(id).status.eventType, again.devices.get(id).status.reason?.code],
      ['not_paired', 'interrupted'],
    );
  });

  it('is undone when the device is deleted, and a deletion does not wait for a dead add-on for ever', async () => {
    await house.pairing.pair(id);
    finish({ address: 1 });
    await settle();
    house.link.answer = () => Promise.reject(new GatewayError('addonUnavailable', 'down'));
    await house.pairing.remove(id);
    assert.deepEqual(methods(), ['pair', 'remove']);
    assert.equal(house.devices.find(id), undefined);
  });

  it('is undone with a word when the device had to be forced out of its network', async () => {
    const said: string[] = [];
    house.events.on('deviceForcedOut', ({ device, reason }) => said.push(`${device.name}: ${reason}`));
    await house.pairing.pair(id);
    finish({ address: 1 });
    await settle();
    const other = await house.devices.create({
      name: 'left',
      type: 'lamp-type',
      parameters: { hostname: 'b' },
    });
    house.link.answer = () => Promise.resolve({ left: false, reason: 'it is deaf' });
    assert.equal(await house.pairing.remove(id), 'it is deaf');
    house.link.answer = () => Promise.resolve({ left: true });
    assert.equal(await house.pairing.remove(other.id), undefined);
    assert.deepEqual(said, ['lamp: it is deaf']);
  });

  it('ends quietly when its device is deleted meanwhile', async () => {
    await house.pairing.pair(id);
    await house.pairing.remove(id);
    await settle();
    assert.equal(house.devices.find(id), undefined);
  });
});
