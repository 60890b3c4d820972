/** The KNX add-on against knxd, with knxtool as the devices on the bus: values both ways. */
import assert from 'node:assert/strict';
import type { JsonObject } from '@gate/addon-sdk';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { CLOCK_SAMPLE, KNX_SAMPLES } from '../../support/knx-samples.ts';
import { UdpRelay } from '../../support/udp-relay.ts';
import { until } from '../../support/until.ts';
import { AddonOnBus } from './support/addon-on-bus.ts';

describe('the KNX add-on with a bus', function () {
  this.timeout(40_000);
  let bus: AddonOnBus;

  before(function () {
    if (reasonToSkip('knxd')) this.skip();
  });

  beforeEach(async () => {
    bus = await AddonOnBus.start();
  });

  afterEach(() => bus.stop());

  it('puts each type of value on the bus byte by byte, and reads it back', async () => {
    const samples = [...KNX_SAMPLES, { dpt: '19.001', ...CLOCK_SAMPLE }];
    const datapoints = samples.map(({ dpt }, at) => ({
      name: `p${at}`,
      group_address: `2/0/${at}`,
      status_address: `2/1/${at}`,
      dpt,
      flags: ['write', 'listen'],
    }));
    await bus.configure({ parameters: { datapoints } });
    await bus.runs();
    for (const [at, { value, raw, dpt }] of samples.entries()) {
      await bus.set({ [`p${at}`]: value });
      const onBus = await until('the bus has heard it', () =>
        bus.heard.find((each) => each.destination === `2/0/${at}`),
      );
      const expected = typeof raw === 'number' ? raw.toString(16).padStart(2, '0') : raw;
      assert.deepEqual([onBus.service, onBus.value], ['Write', expected], `DPT ${dpt}`);
      await bus.knxd.write(`2/1/${at}`, raw);
      const { data } = await until('it is a reading', () =>
        bus.readings.find(({ data }) => `p${at}` in data),
      );
      assert.deepEqual(data[`p${at}`], value, `DPT ${dpt}`);
    }
    const clock = bus.readings.at(-1)?.data[`p${samples.length - 1}_flags`] as JsonObject;
    assert.equal(clock['noWorkingDay'], true);
    assert.deepEqual(bus.errors, []);
  });

  it('is degraded at no time when it starts beside a server that is there, and soon beside one that is silent', async () => {
    await bus.configure();
    assert.deepEqual(bus.states, ['running']);
    const relay = new UdpRelay(bus.knxd.port);
    relay.loses = () => true;
    const parameters = { ip_address: '127.0.0.1', port: await relay.start(), route_back: true };
    const alone = new AddonOnBus(bus.knxd);
    try {
      await alone.addon.handlers.configure?.({ parameters, devices: [] });
      assert.deepEqual(alone.states, [
        `degraded: connecting to the KNXnet/IP server 127.0.0.1:${parameters.port}`,
      ]);
    } finally {
      await alone.addon.handlers.stop?.();
      relay.stop();
    }
  });

  it('takes the documented form as one datapoint called value, and reports its own writes', async () => {
    await bus.configure({
      parameters: { individual_address: '1.1.7', group_address: '1/2/3', dpt: '1.001' },
    });
    await bus.runs();
    assert.deepEqual(await bus.set({ value: true }), { value: true });
    assert.deepEqual(bus.readings.at(-1), { deviceId: 'd1', data: { value: true } });
    await bus.knxd.write('1/2/3', 0);
    await until('the telegram is a reading', () => bus.readings.at(-1)?.data['value'] === false);
    assert.deepEqual(bus.said.at(-1), { deviceId: 'd1', online: true, reason: undefined });
  });

  it('gets what the bus answers, names what nobody answers, and says when nobody does', async () => {
    const datapoints = [
      { name: 'temperature', group_address: '1/0/1', status_address: '1/1/1', dpt: '9.001' },
      { name: 'light', group_address: '1/0/2', dpt: '1.001' },
    ];
    await bus.configure({ parameters: { datapoints } });
    await bus.runs();
    const stop = bus.answering('1/1/1', '0c33');
    try {
      const warm = { temperature: 21.5, temperature_unit: '°C' };
      assert.deepEqual(await bus.get({ datapoints: ['temperature'] }), warm);
      assert.deepEqual(await bus.get(), { ...warm, unanswered: ['light'] });
    } finally {
      stop();
    }
    await assert.rejects(bus.get({ datapoints: ['light'] }), {
      code: 'timeout',
      message: /1\/0\/2/,
      hint: /ETS/,
    });
  });

  it('reads its addresses when it connects, and again after an outage: what changed meanwhile is known', async () => {
    const relay = new UdpRelay(bus.knxd.port);
    const port = await relay.start();
    let stop = bus.answering('1/0/1', 1);
    try {
      await bus.addon.handlers.configure?.({
        parameters: { ip_address: 'localhost', port, route_back: true },
        devices: [{ id: 'd1', type: 't', parameters: { group_address: '1/0/1', dpt: '1.001' }, address: {} }],
      });
      await until('the state is known', () => bus.readings.length === 1);
      assert.deepEqual(bus.readings[0]?.data, { value: true });
      relay.loses = () => true;
      await until('the outage is noticed', () =>
        bus.states.at(-1)?.startsWith('degraded: the KNXnet/IP server'),
      );
      assert.match(bus.states.at(-1) ?? '', new RegExp(`localhost:${port}`));
      assert.equal(bus.said.at(-1)?.online, false);
      stop();
      bus.heard.length = 0;
      stop = bus.answering('1/0/1', 0);
      relay.loses = () => false;
      await until('the new state is known', () => bus.readings.at(-1)?.data['value'] === false);
      assert.equal(bus.said.at(-1)?.online, true);
      assert.equal(bus.states.at(-1), 'running');
      assert.deepEqual(
        bus.events.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1]),
        ['linkUp', 'linkDown', 'linkUp'],
      );
    } finally {
      stop();
      relay.stop();
    }
  });

  it('answers reads of others for datapoints that respond, with the last value', async () => {
    await bus.configure({
      parameters: {
        datapoints: [
          { name: 'setpoint', group_address: '1/0/1', dpt: '9.001', flags: ['write', 'listen', 'respond'] },
        ],
      },
    });
    await bus.runs();
    await bus.knxd.read('1/0/1');
    // before there is a value nobody answers
    await until('the add-on has heard the read', () => {
      const shown = bus.addon.actions['busMonitor']?.(bus.request({})) as { telegrams: unknown[] };
      return shown.telegrams.length > 0;
    });
    await bus.set({ setpoint: 21.5 });
    await bus.knxd.read('1/0/1');
    const answer = await until('it is answered', () =>
      bus.heard.find(({ service }) => service === 'Response'),
    );
    assert.deepEqual([answer.destination, answer.value], ['1/0/1', '0c33']);
    assert.equal(bus.heard.filter(({ service }) => service === 'Response').length, 1);
  });

  it('gives numbers their unit, as the type has it or as it was given, and takes them back', async () => {
    const datapoints = [
      { name: 'power', group_address: '1/0/1', dpt: '14.056' },
      { name: 'flow', group_address: '1/0/2', dpt: '9.025', unit: 'l per hour' },
      { name: 'count', group_address: '1/0/3', dpt: '12.001', unit: '' },
    ];
    await bus.configure({ parameters: { datapoints } });
    await bus.runs();
    assert.deepEqual(await bus.set({ power: 5, power_unit: 'W', flow: 1, count: 3 }), {
      power: 5,
      power_unit: 'W',
      flow: 1,
      flow_unit: 'l per hour',
      count: 3,
    });
    assert.deepEqual(
      bus.readings.map(({ data }) => data),
      [{ power: 5, power_unit: 'W' }, { flow: 1, flow_unit: 'l per hour' }, { count: 3 }],
    );
    await assert.rejects(bus.set({ power: 5, power_unit: 'kW' }), {
      code: 'badRequest',
      message: /in W, not in "kW"/,
    });
    const twisted = { datapoints: [{ name: 'power_unit', group_address: '1/0/9', dpt: '1.001' }] };
    await assert.rejects(bus.pair(twisted), { code: 'badRequest', hint: /_unit/ });
  });
});
