import assert from 'node:assert/strict';
import { OPEN_EVENT_KINDS } from '../../../src/api/event-view.ts';
import { NARROWED_DEVICES_MAX, roomsOf } from '../../../src/api/narrowing.ts';

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

  it('is only what the caller may hear', () => {
    assert.deepEqual(roomsOf({}, OPEN_EVENT_KINDS), OPEN_EVENT_KINDS);
    assert.throws(() => roomsOf({ events: 'data,log' }, OPEN_EVENT_KINDS), { code: 'forbidden' });
  });

  it('is refused when there is no such kind, or too many devices', () => {
    assert.throws(() => roomsOf({ events: 'colours' }), { code: 'badRequest' });
    const devices = Array.from({ length: NARROWED_DEVICES_MAX + 1 }, (_, n) => `d${n}`).join(',');
    assert.throws(() => roomsOf({ devices }), { code: 'badRequest' });
  });
});
