import assert from 'node:assert/strict';
import { NARROWED_DEVICES_MAX, roomsOf } from '../../../src/api/sockets/narrowing.ts';
import { allowedEventKinds } from '../../../src/api/views/event-view.ts';

const KINDS = [
  'data',
  'status',
  'availability',
  'pairing',
  'notification',
  'installation',
  'version',
  'cloud',
  'log',
  'maintenance',
  'device',
  'protocol',
  'health',
];

describe('what a socket asks to be sent', () => {
  it('is everything when it names nothing', () => {
    for (const query of [{}, { devices: '', events: ' , ' }]) assert.deepEqual(roomsOf(query), KINDS);
  });

  it('is one kind for every device, or every kind for one device, or both', () => {
    assert.deepEqual(roomsOf({ events: 'status' }), ['status']);
    assert.deepEqual(
      roomsOf({ devices: 'a' }),
      KINDS.map((kind) => `${kind}:a`),
    );
    assert.deepEqual(roomsOf({ devices: 'a, b', events: ['data'] }), ['data:a', 'data:b']);
  });

  it('is without events that are called by a device’s id, where it declines them', () => {
    assert.deepEqual(roomsOf({ events: 'data', perDevice: 'false' }), ['data', 'sharedNamesOnly']);
    assert.deepEqual(roomsOf({ events: 'data', perDevice: 'true' }), ['data']);
    assert.throws(() => roomsOf({ perDevice: 'no' }), { code: 'badRequest' });
  });

  it('is only what the caller may hear', () => {
    const reader = allowedEventKinds((right) => right === 'read');
    assert.deepEqual(
      roomsOf({}, reader),
      KINDS.filter((kind) => !['log', 'installation', 'maintenance'].includes(kind)),
    );
    for (const kind of ['log', 'installation', 'bus', 'live_log', 'maintenance']) {
      assert.throws(() => roomsOf({ events: `data,${kind}` }, reader), { code: 'forbidden' });
    }
  });

  it('is log lines as they are written only for who names them', () => {
    assert.ok(!roomsOf({}).includes('live_log'));
    assert.deepEqual(roomsOf({ events: 'live_log' }), ['live_log']);
  });

  it('is the bus only for who names it and may control', () => {
    const controller = allowedEventKinds((right) => right !== 'administer');
    assert.deepEqual(roomsOf({ events: 'bus,data' }, controller), ['bus', 'data']);
    assert.ok(!roomsOf({}, controller).includes('bus'));
  });

  it('is refused when there is no such kind, or too many devices', () => {
    assert.throws(() => roomsOf({ events: 'colours' }), { code: 'badRequest' });
    const devices = Array.from({ length: NARROWED_DEVICES_MAX + 1 }, (_, n) => `d${n}`).join(',');
    assert.throws(() => roomsOf({ devices }), { code: 'badRequest' });
  });
});
