import assert from 'node:assert/strict';
import { deviceView } from '../../../src/api/views/device-view.ts';
import { pairingEventOf, pairingPayload } from '../../../src/api/views/event-view.ts';
import type { Device } from '../../../src/model/device.ts';

const DEVICE: Device = {
  id: 'A1Owj4Eu',
  projectId: '77JTOK6B',
  ts: 1579596309570,
  name: 'doc',
  isGateway: false,
  isVirtual: true,
  demoActive: false,
  parentDevice: 'Wcganw3s',
  protocol: 'virtual',
  parameters: {},
  status: { eventType: 'paired', timestamp: 1579596309570 },
};
const GATEWAY: Device = {
  ...DEVICE,
  id: 'Wcganw3s',
  isGateway: true,
  parentDevice: undefined,
  name: 'doctest',
};

describe('a device as callers see it', () => {
  it('begins with the documented keys in their order, and adds its own after them', () => {
    assert.deepEqual(Object.keys(deviceView(DEVICE, { online: true, since: 1 })), [
      ...['projectId', 'ts', 'isVirtual', 'demoActive', 'parentDevice', 'id', 'isGateway', 'name'],
      ...['status', 'availability', 'parameters'],
    ]);
    assert.deepEqual(Object.keys(deviceView(GATEWAY, undefined, { subDevices: ['A1Owj4Eu'] })), [
      ...['projectId', 'ts', 'subDevices', 'isVirtual', 'demoActive', 'id', 'isGateway', 'name'],
      ...['status', 'parameters'],
    ]);
  });

  it('has subDevices on the gateway even when there are none', () => {
    assert.deepEqual(deviceView(GATEWAY, undefined).subDevices, []);
    assert.equal(deviceView(DEVICE, undefined, { subDevices: ['x'] }).subDevices, undefined);
  });

  it('never has a password, a token, a secret or an install code, however deep and however written', () => {
    const secrets = { password: 'a', Token: 'b', SECRET: 'c', installCode: 'd' };
    const parameters = { ...secrets, port: 80, list: [{ ...secrets, keep: true }], auth: { ...secrets } };
    const view = deviceView({ ...DEVICE, parameters, address: { ...secrets, ip: '10.0.0.7' } }, undefined);
    assert.deepEqual(view.parameters, { port: 80, list: [{ keep: true }], auth: {} });
    assert.deepEqual(view.address, { ip: '10.0.0.7' });
  });
});

describe("a device in the cloud's pairing events", () => {
  it('has the documented keys in their order', () => {
    assert.deepEqual(Object.keys(pairingPayload({ ...DEVICE, type: 't' })), [
      ...['projectId', 'ts', 'status', 'parentDevice', 'id', 'env', 'isGateway', 'name', 'type'],
    ]);
  });

  it('is live, or sandbox when it is virtual', () => {
    assert.equal(pairingPayload(DEVICE).env, 'sandbox');
    assert.equal(pairingPayload({ ...DEVICE, isVirtual: false }).env, 'live');
  });

  it('tells why it was not paired', () => {
    const reason = { code: 'deviceTimeout', message: 'nothing joined', hint: 'is it powered?' };
    const status = { eventType: 'not_paired' as const, timestamp: 1, reason };
    assert.deepEqual(pairingPayload({ ...DEVICE, status }).status, { eventType: 'not_paired', reason });
  });

  it('is no event while nothing was paired yet', () => {
    assert.equal(pairingEventOf({ ...DEVICE, status: { eventType: 'created', timestamp: 1 } }), undefined);
    assert.equal(pairingEventOf(DEVICE), 'paired');
  });
});
