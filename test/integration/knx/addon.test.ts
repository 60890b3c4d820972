/** The KNX add-on against knxd, with knxtool as the devices on the bus. */
import assert from 'node:assert/strict';
import {
  type DeviceConfig,
  type DeviceRequest,
  type JsonObject,
  type JsonValue,
  systemClock,
} from '@gate/addon-sdk';
import { TELEGRAMS_PER_EVENT } from '../../../addons/knx/src/bus-watch.ts';
import { KnxAddon } from '../../../addons/knx/src/knx-addon.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { CLOCK_SAMPLE, KNX_SAMPLES } from '../../support/knx-samples.ts';
import { type HeardTelegram, Knxd } from '../../support/knxd.ts';
import { UdpRelay } from '../../support/udp-relay.ts';
import { until } from '../../support/until.ts';

describe('the KNX add-on with a bus', function () {
  this.timeout(40_000);
  let knxd: Knxd;
  let addon: KnxAddon;
  let readings: { deviceId: string; data: JsonObject }[];
  let said: { deviceId: string; online: boolean }[];
  let states: string[];
  let errors: string[];
  let events: JsonObject[];
  let heard: HeardTelegram[];

  before(function () {
    if (reasonToSkip('knxd')) this.skip();
  });

  beforeEach(async () => {
    knxd = await Knxd.start();
    [readings, said, states, errors, events] = [[], [], [], [], []];
    addon = new KnxAddon({
      gate: {
        report: (deviceId, data) => readings.push({ deviceId, data }),
        availability: (deviceId, online) => said.push({ deviceId, online }),
        event: (event) => events.push(event as JsonObject),
        state: (state, reason) => states.push(reason === undefined ? state : `${state}: ${reason}`),
        log: {
          info: () => undefined,
          error: (what, cause) => errors.push(`${what}: ${(cause as Error)?.message}`),
        },
      },
      clock: systemClock,
      random: Math.random,
      uploadsFolder: '/nowhere',
    });
    heard = await knxd.listen();
  });

  afterEach(async () => {
    await addon.handlers.stop?.();
    await knxd.stop();
  });

  const { signal } = new AbortController();
  const request = (params: JsonObject, deviceId = 'd1'): DeviceRequest => ({
    method: 'any',
    deviceId,
    params,
    deadline: Date.now() + 10_000,
    signal,
  });
  const set = (params: JsonObject, deviceId = 'd1') =>
    addon.handlers.set?.(request(params, deviceId)) as Promise<JsonValue>;
  const get = (params: JsonObject = {}, deviceId = 'd1') =>
    addon.handlers.get?.(request(params, deviceId)) as Promise<JsonValue>;
  const pair = (parameters: JsonObject, deviceId = 'd1') =>
    addon.handlers.pair?.(request({ type: 't', parameters }, deviceId)) as Promise<JsonValue>;
  const configure = (...devices: Partial<DeviceConfig>[]) =>
    addon.handlers.configure?.({
      parameters: { ip_address: '127.0.0.1', port: knxd.port },
      devices: devices.map((each) => ({ id: 'd1', type: 't', parameters: {}, address: {}, ...each })),
    });
  const isRunning = () => until('the add-on runs', () => states.at(-1) === 'running');
  /** Answers each read of an address, as a device on the bus does. */
  function answering(destination: string, value: number | string): () => void {
    let answered = 0;
    const timer = setInterval(() => {
      const reads = heard.filter(
        (each) => each.service === 'Read' && each.destination === destination,
      ).length;
      if (reads > answered) {
        answered = reads;
        void knxd.respond(destination, value);
      }
    }, 10);
    return () => clearInterval(timer);
  }

  it('puts each type of value on the bus byte by byte, and reads it back', async () => {
    const samples = [...KNX_SAMPLES, { dpt: '19.001', ...CLOCK_SAMPLE }];
    const datapoints = samples.map(({ dpt }, at) => ({
      name: `p${at}`,
      group_address: `2/0/${at}`,
      status_address: `2/1/${at}`,
      dpt,
      flags: ['write', 'listen'],
    }));
    await configure({ parameters: { datapoints } });
    await isRunning();
    for (const [at, { value, raw, dpt }] of samples.entries()) {
      await set({ [`p${at}`]: value });
      const onBus = await until('the bus has heard it', () =>
        heard.find((each) => each.destination === `2/0/${at}`),
      );
      const expected = typeof raw === 'number' ? raw.toString(16).padStart(2, '0') : raw;
      assert.deepEqual([onBus.service, onBus.value], ['Write', expected], `DPT ${dpt}`);
      await knxd.write(`2/1/${at}`, raw);
      const { data } = await until('it is a reading', () => readings.find(({ data }) => `p${at}` in data));
      assert.deepEqual(data[`p${at}`], value, `DPT ${dpt}`);
    }
    const clock = readings.at(-1)?.data[`p${samples.length - 1}_flags`] as JsonObject;
    assert.equal(clock['noWorkingDay'], true);
    assert.deepEqual(errors, []);
  });

  it('takes the documented form as one datapoint called value, and reports its own writes', async () => {
    await configure({ parameters: { individual_address: '1.1.7', group_address: '1/2/3', dpt: '1.001' } });
    await isRunning();
    assert.deepEqual(await set({ value: true }), { value: true });
    assert.deepEqual(readings.at(-1), { deviceId: 'd1', data: { value: true } });
    await knxd.write('1/2/3', 0);
    await until('the telegram is a reading', () => readings.at(-1)?.data['value'] === false);
    assert.deepEqual(said.at(-1), { deviceId: 'd1', online: true });
  });

  it('sends nothing when a value, a name or a flag is wrong', async () => {
    const datapoints = [
      { name: 'light', group_address: '1/0/1', dpt: '1.001' },
      { name: 'level', group_address: '1/0/2', dpt: '5.001' },
      { name: 'sensor', group_address: '1/0/3', dpt: '9.001', flags: ['listen'] },
    ];
    await configure({ parameters: { datapoints } });
    await isRunning();
    for (const params of [
      {},
      { light: 'on' },
      { light: true, level: 101 },
      { light: true, dimmer: 5 },
      { light: true, sensor: 20 },
    ]) {
      await assert.rejects(
        set(params as JsonObject),
        { code: 'badRequest', hint: /\S/ },
        JSON.stringify(params),
      );
    }
    await assert.rejects(get({ datapoints: ['sensor'] }), { code: 'badRequest', message: /"read"/ });
    await assert.rejects(get({ datapoints: ['x'] }), { code: 'badRequest', hint: /light/ });
    await set({ level: 50 });
    await until('the right one is heard', () => heard.some(({ value }) => value === '80'));
    assert.deepEqual(
      heard.filter(({ service }) => service === 'Write').map(({ destination }) => destination),
      ['1/0/2'],
    );
  });

  it('gets what the bus answers, names what nobody answers, and says when nobody does', async () => {
    const datapoints = [
      { name: 'temperature', group_address: '1/0/1', status_address: '1/1/1', dpt: '9.001' },
      { name: 'light', group_address: '1/0/2', dpt: '1.001' },
    ];
    await configure({ parameters: { datapoints } });
    await isRunning();
    const stop = answering('1/1/1', '0c33');
    try {
      const warm = { temperature: 21.5, temperature_unit: '°C' };
      assert.deepEqual(await get({ datapoints: ['temperature'] }), warm);
      assert.deepEqual(await get(), { ...warm, unanswered: ['light'] });
    } finally {
      stop();
    }
    await assert.rejects(get({ datapoints: ['light'] }), {
      code: 'timeout',
      message: /1\/0\/2/,
      hint: /ETS/,
    });
  });

  it('reads its addresses when it connects, and again after an outage: what changed meanwhile is known', async () => {
    const relay = new UdpRelay(knxd.port);
    const port = await relay.start();
    let stop = answering('1/0/1', 1);
    try {
      await addon.handlers.configure?.({
        parameters: { ip_address: 'localhost', port, route_back: true },
        devices: [{ id: 'd1', type: 't', parameters: { group_address: '1/0/1', dpt: '1.001' }, address: {} }],
      });
      await until('the state is known', () => readings.length === 1);
      assert.deepEqual(readings[0]?.data, { value: true });
      relay.loses = () => true;
      await until('the outage is noticed', () => states.at(-1)?.startsWith('degraded: the KNXnet/IP server'));
      assert.match(states.at(-1) ?? '', new RegExp(`localhost:${port}`));
      assert.equal(said.at(-1)?.online, false);
      stop();
      heard.length = 0;
      stop = answering('1/0/1', 0);
      relay.loses = () => false;
      await until('the new state is known', () => readings.at(-1)?.data['value'] === false);
      assert.equal(said.at(-1)?.online, true);
      assert.equal(states.at(-1), 'running');
      assert.deepEqual(
        events.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1]),
        ['linkUp', 'linkDown', 'linkUp'],
      );
    } finally {
      stop();
      relay.stop();
    }
  });

  it('answers reads of others for datapoints that respond, with the last value', async () => {
    await configure({
      parameters: {
        datapoints: [
          { name: 'setpoint', group_address: '1/0/1', dpt: '9.001', flags: ['write', 'listen', 'respond'] },
        ],
      },
    });
    await isRunning();
    await knxd.read('1/0/1');
    await set({ setpoint: 21.5 });
    await knxd.read('1/0/1');
    const answer = await until('it is answered', () => heard.find(({ service }) => service === 'Response'));
    assert.deepEqual([answer.destination, answer.value], ['1/0/1', '0c33']);
    assert.equal(heard.filter(({ service }) => service === 'Response').length, 1);
  });

  it('pairs, says what it found, and refuses what cannot be', async () => {
    await configure({ id: 'other', parameters: { group_address: '1/0/9', dpt: '1.001' } });
    const stop = answering('1/0/1', 1);
    try {
      const datapoints = [
        { name: 'light', group_address: '1/0/1', dpt: '1.001' },
        { name: 'level', group_address: '1/0/2', dpt: '5.001' },
      ];
      assert.deepEqual(await pair({ datapoints }), {
        datapoints: ['1/0/1 light', '1/0/2 level'],
        answered: ['light'],
        unanswered: ['level'],
      });
      assert.deepEqual(
        events.filter(({ deviceId }) => deviceId === 'd1').map(({ type }) => type),
        ['joined', 'configured'],
      );
      // what answers is of another type
      await assert.rejects(pair({ group_address: '1/0/1', dpt: '9.001' }), {
        code: 'badTelegram',
        hint: /ETS/,
      });
    } finally {
      stop();
    }
    await assert.rejects(pair({ group_address: '1/0/9', dpt: '1.001' }), {
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
        pair(parameters as JsonObject),
        { code: 'badRequest' },
        JSON.stringify(parameters),
      );
    }
  });

  it('tells once of telegrams that its type cannot read, and goes on', async () => {
    await configure({ parameters: { group_address: '1/0/1', dpt: '9.001' } });
    await isRunning();
    await knxd.write('1/0/1', 'ff');
    await knxd.write('1/0/1', 'ff');
    await knxd.write('1/0/1', '0c33');
    await until('the good one is a reading', () => readings.length === 1);
    assert.deepEqual(readings[0]?.data, { value: 21.5, value_unit: '°C' });
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? '', /d1.*1\/0\/1.*9\.001/);
  });

  it('tells of a device that makes no sense and serves the others', async () => {
    await configure(
      { id: 'broken', parameters: { group_address: '99/0/0', dpt: '1.001' } },
      { parameters: { group_address: '1/0/1', dpt: '1.001' } },
      { id: 'unpaired', address: null, parameters: { group_address: '1/0/1', dpt: '1.001' } },
    );
    await isRunning();
    await knxd.write('1/0/1', 1);
    await until('the other one reports', () => readings.length === 1);
    assert.equal(readings[0]?.deviceId, 'd1');
    assert.deepEqual(
      said.find(({ deviceId }) => deviceId === 'broken'),
      { deviceId: 'broken', online: false },
    );
    await assert.rejects(set({ value: true }, 'unpaired'), { code: 'notPaired' });
  });

  it('shows the last telegrams, with what they mean', async () => {
    await configure({ parameters: { group_address: '1/0/1', dpt: '9.001' } });
    await isRunning();
    await set({ value: 21.5 });
    await knxd.write('1/0/2', 1);
    await until('both are recorded', () => monitored({}).length >= 2);
    const [own, other] = monitored({}).filter(({ service }) => service === 'write');
    assert.deepEqual(
      [own?.['direction'], own?.['destination'], own?.['raw'], own?.['known']],
      ['out', '1/0/1', '0c33', [{ deviceId: 'd1', name: 'value', value: 21.5, unit: '°C' }]],
    );
    assert.deepEqual([other?.['direction'], other?.['raw'], other?.['known']], ['in', '01', undefined]);
    assert.equal(monitored({ group_address: '1/0/2' }).length, 1);
  });

  it('tells telegrams live to whoever asked for it, and counts what a storm has too many', async () => {
    await configure({ parameters: { group_address: '1/0/1', dpt: '9.001' } });
    await isRunning();
    const told = () => events.filter(({ type }) => type === 'busTelegrams');
    const telegrams = () => told().flatMap((event) => event['telegrams'] as JsonObject[]);
    await knxd.write('1/0/1', '0c33');
    await until('it is a reading', () => readings.length === 1);
    assert.deepEqual(told(), []);

    const asked = addon.actions['watchBus']?.(request({ seconds: 60 })) as { until: number };
    assert.ok(asked.until > Date.now());
    await knxd.write('1/0/1', '0c33');
    await until('it is told', () => telegrams().length > 0);
    const [first] = telegrams();
    assert.deepEqual(
      [first?.['service'], first?.['destination'], first?.['raw'], first?.['known']],
      ['write', '1/0/1', '0c33', [{ deviceId: 'd1', name: 'value', value: 21.5, unit: '°C' }]],
    );

    events.length = 0;
    const storm = Array.from({ length: 1_000 }, (_, at) => set({ value: at / 10 }));
    await Promise.all(storm);
    const leftOut = () => told().reduce((sum, event) => sum + (event['leftOut'] as number), 0);
    await until('all are told or counted', () => telegrams().length + leftOut() >= 1_000);
    assert.equal(telegrams().length + leftOut(), 1_000);
    assert.ok(told().every((event) => (event['telegrams'] as JsonObject[]).length <= TELEGRAMS_PER_EVENT));
    assert.equal(monitored({ limit: 1_000 }).length, 1_000);

    addon.actions['watchBus']?.(request({ seconds: 0 }));
    await until('the last are told', () => telegrams().length + leftOut() >= 1_000);
    events.length = 0;
    await set({ value: 1 });
    assert.throws(() => addon.actions['watchBus']?.(request({ seconds: 4_000 })), { code: 'badRequest' });
    assert.deepEqual(told(), []);
  });

  it('gives numbers their unit, as the type has it or as it was given, and takes them back', async () => {
    const datapoints = [
      { name: 'power', group_address: '1/0/1', dpt: '14.056' },
      { name: 'flow', group_address: '1/0/2', dpt: '9.025', unit: 'l per hour' },
      { name: 'count', group_address: '1/0/3', dpt: '12.001', unit: '' },
    ];
    await configure({ parameters: { datapoints } });
    await isRunning();
    assert.deepEqual(await set({ power: 5, power_unit: 'W', flow: 1, count: 3 }), {
      power: 5,
      power_unit: 'W',
      flow: 1,
      flow_unit: 'l per hour',
      count: 3,
    });
    assert.deepEqual(
      readings.map(({ data }) => data),
      [{ power: 5, power_unit: 'W' }, { flow: 1, flow_unit: 'l per hour' }, { count: 3 }],
    );
    await assert.rejects(set({ power: 5, power_unit: 'kW' }), {
      code: 'badRequest',
      message: /in W, not in "kW"/,
    });
    const twisted = { datapoints: [{ name: 'power_unit', group_address: '1/0/9', dpt: '1.001' }] };
    await assert.rejects(pair(twisted), { code: 'badRequest', hint: /_unit/ });
  });

  function monitored(params: JsonObject): JsonObject[] {
    const shown = addon.actions['busMonitor']?.(request(params)) as { telegrams: JsonObject[] };
    return shown.telegrams;
  }
});
