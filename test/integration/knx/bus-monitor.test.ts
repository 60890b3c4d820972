/** What is on the bus, shown afterwards and told live. */
import assert from 'node:assert/strict';
import type { JsonObject } from '@gate/addon-sdk';
import { TELEGRAMS_PER_EVENT } from '../../../addons/knx/src/bus-watch.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { until } from '../../support/until.ts';
import { AddonOnBus } from './support/addon-on-bus.ts';

describe('the KNX bus monitor', function () {
  this.timeout(40_000);
  let bus: AddonOnBus;

  before(function () {
    if (reasonToSkip('knxd')) this.skip();
  });

  beforeEach(async () => {
    bus = await AddonOnBus.start();
  });

  afterEach(() => bus.stop());

  it('shows the last telegrams, with what they mean', async () => {
    await bus.configure({ parameters: { group_address: '1/0/1', dpt: '9.001' } });
    await bus.runs();
    await bus.set({ value: 21.5 });
    await bus.knxd.write('1/0/2', 1);
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
    await bus.configure({ parameters: { group_address: '1/0/1', dpt: '9.001' } });
    await bus.runs();
    const told = () => bus.events.filter(({ type }) => type === 'busTelegrams');
    const telegrams = () => told().flatMap((event) => event['telegrams'] as JsonObject[]);
    await bus.knxd.write('1/0/1', '0c33');
    await until('it is a reading', () => bus.readings.length === 1);
    assert.deepEqual(told(), []);

    const asked = bus.addon.actions['watchBus']?.(bus.request({ seconds: 60 })) as { until: number };
    assert.ok(asked.until > Date.now());
    await bus.knxd.write('1/0/1', '0c33');
    await until('it is told', () => telegrams().length > 0);
    const [first] = telegrams();
    assert.deepEqual(
      [first?.['service'], first?.['destination'], first?.['raw'], first?.['known']],
      ['write', '1/0/1', '0c33', [{ deviceId: 'd1', name: 'value', value: 21.5, unit: '°C' }]],
    );

    bus.events.length = 0;
    const storm = Array.from({ length: 1_000 }, (_, at) => bus.set({ value: at / 10 }));
    await Promise.all(storm);
    const leftOut = () => told().reduce((sum, event) => sum + (event['leftOut'] as number), 0);
    await until('all are told or counted', () => telegrams().length + leftOut() >= 1_000);
    assert.equal(telegrams().length + leftOut(), 1_000);
    assert.ok(told().every((event) => (event['telegrams'] as JsonObject[]).length <= TELEGRAMS_PER_EVENT));
    assert.equal(monitored({ limit: 1_000 }).length, 1_000);

    bus.addon.actions['watchBus']?.(bus.request({ seconds: 0 }));
    await until('the last are told', () => telegrams().length + leftOut() >= 1_000);
    bus.events.length = 0;
    await bus.set({ value: 1 });
    assert.throws(() => bus.addon.actions['watchBus']?.(bus.request({ seconds: 4_000 })), {
      code: 'badRequest',
    });
    assert.deepEqual(told(), []);
  });

  function monitored(params: JsonObject): JsonObject[] {
    const shown = bus.addon.actions['busMonitor']?.(bus.request(params)) as { telegrams: JsonObject[] };
    return shown.telegrams;
  }
});
