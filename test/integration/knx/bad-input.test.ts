/** What a caller, an installer or the bus itself gets wrong: each is a clear error or a named state, and harms nobody else. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { JsonObject } from '@gate/addon-sdk';
import { parseGroupAddress } from '../../../addons/knx/src/wire/address.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { anotherClient } from '../../support/another-knx-client.ts';
import { until } from '../../support/until.ts';
import { AddonOnBus } from './support/addon-on-bus.ts';

describe('the KNX add-on with what is wrong', function () {
  this.timeout(40_000);
  let bus: AddonOnBus;

  before(function () {
    if (reasonToSkip('knxd')) this.skip();
  });

  beforeEach(async () => {
    bus = await AddonOnBus.start();
  });

  afterEach(() => bus.stop());

  it('sends nothing when a value, a name or a flag is wrong', async () => {
    const datapoints = [
      { name: 'light', group_address: '1/0/1', dpt: '1.001' },
      { name: 'level', group_address: '1/0/2', dpt: '5.001' },
      { name: 'sensor', group_address: '1/0/3', dpt: '9.001', flags: ['listen'] },
    ];
    await bus.configure({ parameters: { datapoints } });
    await bus.runs();
    for (const params of [
      {},
      { light: 'on' },
      { light: true, level: 101 },
      { light: true, dimmer: 5 },
      { light: true, sensor: 20 },
    ]) {
      await assert.rejects(
        bus.set(params as JsonObject),
        { code: 'badRequest', hint: /\S/ },
        JSON.stringify(params),
      );
    }
    await assert.rejects(bus.get({ datapoints: ['sensor'] }), { code: 'badRequest', message: /"read"/ });
    await assert.rejects(bus.get({ datapoints: ['x'] }), { code: 'badRequest', hint: /light/ });
    await bus.set({ level: 50 });
    await until('the right one is heard', () => bus.heard.some(({ value }) => value === '80'));
    assert.deepEqual(
      bus.heard.filter(({ service }) => service === 'Write').map(({ destination }) => destination),
      ['1/0/2'],
    );
  });

  it('pairs, says what it found, and refuses what cannot be', async () => {
    await bus.configure({ id: 'other', parameters: { group_address: '1/0/9', dpt: '1.001' } });
    const stop = bus.answering('1/0/1', 1);
    try {
      const datapoints = [
        { name: 'light', group_address: '1/0/1', dpt: '1.001' },
        { name: 'level', group_address: '1/0/2', dpt: '5.001' },
      ];
      assert.deepEqual(await bus.pair({ datapoints }), {
        datapoints: ['1/0/1 light', '1/0/2 level'],
        answered: ['light'],
        unanswered: ['level'],
      });
      assert.deepEqual(
        bus.events.filter(({ deviceId }) => deviceId === 'd1').map(({ type }) => type),
        ['joined', 'configured'],
      );
      // what answers is of another type
      await assert.rejects(bus.pair({ group_address: '1/0/1', dpt: '9.001' }), {
        code: 'badTelegram',
        hint: /ETS/,
      });
    } finally {
      stop();
    }
    await assert.rejects(bus.pair({ group_address: '1/0/9', dpt: '1.001' }), {
      code: 'addressTaken',
      message: /"other"/,
    });
    for (const parameters of [
      {},
      { group_address: '0/0/0', dpt: '1.001' },
      { group_address: '1/2/3', dpt: '77.001' },
      { group_address: '1/2/3', dpt: '1.001', individual_address: '99.1.1' },
      { datapoints: [] },
      { datapoints: [{ name: 'a.b', group_address: '1/2/3', dpt: '1.001' }] },
      { datapoints: Array.from({ length: 2 }, () => ({ name: 'a', group_address: '1/2/3', dpt: '1.001' })) },
    ]) {
      await assert.rejects(
        bus.pair(parameters as JsonObject),
        { code: 'badRequest' },
        JSON.stringify(parameters),
      );
    }
  });

  it('tells once of telegrams that its type cannot read, and goes on', async () => {
    await bus.configure({ parameters: { group_address: '1/0/1', dpt: '9.001' } });
    await bus.runs();
    await bus.knxd.write('1/0/1', 'ff');
    await bus.knxd.write('1/0/1', 'ff');
    await bus.knxd.write('1/0/1', '0c33');
    await until('the good one is a reading', () => bus.readings.length === 1);
    assert.deepEqual(bus.readings[0]?.data, { value: 21.5, value_unit: '°C' });
    assert.equal(bus.errors.length, 1);
    assert.match(bus.errors[0] ?? '', /d1.*1\/0\/1.*9\.001/);
  });

  it('tells of a device that makes no sense and serves the others', async () => {
    await bus.configure(
      { id: 'broken', parameters: { group_address: '99/0/0', dpt: '1.001' } },
      { parameters: { group_address: '1/0/1', dpt: '1.001' } },
      { id: 'unpaired', address: null, parameters: { group_address: '1/0/1', dpt: '1.001' } },
    );
    await bus.runs();
    await bus.knxd.write('1/0/1', 1);
    await until('the other one reports', () => bus.readings.length === 1);
    assert.equal(bus.readings[0]?.deviceId, 'd1');
    assert.deepEqual(
      bus.said.find(({ deviceId }) => deviceId === 'broken'),
      { deviceId: 'broken', online: false, reason: 'datapoint "value": "99/0/0" is not a group address' },
    );
    await assert.rejects(bus.set({ value: true }, 'unpaired'), { code: 'notPaired' });
  });

  it('does not let two devices be written to at one address, and says which other one has it', async () => {
    const [first, second] = [
      { id: 'first', parameters: { group_address: '1/0/1', dpt: '1.001' } },
      { id: 'second', parameters: { group_address: '1/0/1', dpt: '1.001' } },
    ];
    await bus.configure(first, second);
    await bus.runs();
    const refused = bus.said.find(({ deviceId, online }) => deviceId === 'second' && !online);
    assert.match(refused?.reason ?? '', /1\/0\/1 is "value" of device "first" already/);
    await assert.rejects(bus.set({ value: true }, 'second'), { code: 'notPaired' });
    await bus.set({ value: true }, 'first');
    // it is free once the other one is gone
    await bus.configure(second);
    assert.deepEqual(await bus.set({ value: false }, 'second'), { value: false });
  });

  it('lets two devices hear one address', async () => {
    const sensor = { group_address: '3/0/1', dpt: '9.001' };
    const listening = (group: string) => ({ group_address: group, status_address: '3/0/1', dpt: '9.001' });
    await bus.configure({ id: 'sensor', parameters: sensor }, { id: 'copy', parameters: listening('3/0/2') });
    await bus.runs();
    await bus.knxd.write('3/0/1', '0c33');
    await until('both have it', () => bus.readings.length === 2);
    assert.deepEqual(bus.readings.map(({ deviceId }) => deviceId).sort(), ['copy', 'sensor']);
  });

  it('takes every telegram of a storm as a reading, and still writes', async () => {
    await bus.configure({
      parameters: {
        datapoints: [
          { name: 'counter', group_address: '1/0/1', dpt: '7.001' },
          { name: 'light', group_address: '1/0/2', dpt: '1.001' },
        ],
      },
    });
    await bus.runs();
    const numbers = Array.from({ length: 1_000 }, (_, number) => number);
    const storm = await anotherClient(bus.knxd.port);
    try {
      const written = Promise.all(
        numbers.map((number) => {
          const value = { short: false, bytes: Buffer.of(number >> 8, number & 255) };
          return storm.send({ service: 'write', destination: parseGroupAddress('1/0/1'), value });
        }),
      );
      assert.deepEqual(await bus.set({ light: true }), { light: true });
      await written;
      const counted = () => bus.readings.flatMap(({ data }) => ('counter' in data ? [data['counter']] : []));
      await until('all are readings', () => counted().length >= numbers.length);
      assert.deepEqual(counted(), numbers);
    } finally {
      await storm.stop();
    }
  });

  it('is not moved by telegrams of odd lengths and kinds, nor by datagrams of strangers', async () => {
    await bus.configure({ parameters: { group_address: '1/0/1', dpt: '1.001' } });
    await bus.runs();
    for (const raw of ['00', '0102030405060708090a0b0c0d0e', 'ff'.repeat(30)]) {
      await bus.knxd.write('1/0/1', raw).catch(() => undefined);
    }
    // whoever knows the port of a tunnel may send to it: nothing comes of what is no frame of its server
    const stranger = createSocket('udp4');
    const frames = [
      '',
      '06',
      '061004200006',
      '06100420ffff04000000',
      '0610042000150400000029',
      `0610042000${'ff'.repeat(60)}`,
    ];
    for (const port of portsOf(process.pid)) {
      for (const frame of frames) stranger.send(Buffer.from(frame, 'hex'), port, '127.0.0.1');
    }
    await new Promise((sent) => stranger.close(() => sent(undefined)));
    await bus.knxd.write('1/0/1', 1);
    await until('the good one is a reading', () => bus.readings.length === 1);
    assert.deepEqual(bus.readings[0]?.data, { value: true });
    assert.equal(bus.states.at(-1), 'running');
    assert.equal(bus.errors.length, 1);
  });
});

/** UDP ports that a process is bound to, by /proc. */
function portsOf(pid: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
  const lines = readFileSync('/proc/net/udp', 'utf8').trim().split('\n').slice(1);
  return lines.flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    const port = Number.parseInt(columns[1]?.split(':')[1] ?? '', 16);
    return sockets.includes(columns[9] ?? '') ? [port] : [];
  });
}
