import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  type Addon,
  AddonError,
  type AddonHandlers,
  type AddonHost,
  type Clock,
  type ConfigMessage,
  createAddon,
  UNACKNOWLEDGED_MAX,
} from '@gate/addon-sdk';
import { systemClock } from '../../../addons/sdk/src/clock.ts';
import { addonTopics } from '../../../src/contract/topics.ts';
import { ManualClock, until } from './manual-clock.ts';
import { TestBroker } from './test-broker.ts';

const topics = addonTopics('demo');
const CONFIG: ConfigMessage = {
  parameters: { port: 1 },
  devices: [{ id: 'd1', type: null, parameters: {}, address: null }],
};

/** What a process gives an add-on, in memory. */
class MemoryHost implements AddonHost {
  env: Record<string, string | undefined>;
  readonly lines: string[] = [];
  readonly exits: number[] = [];
  signal: (name: string) => void = () => undefined;
  endLifeline: () => void = () => undefined;
  throwUncaught: (error: unknown) => void = () => undefined;

  constructor(env: Record<string, string | undefined>) {
    this.env = env;
  }

  readonly out = (line: string) => this.lines.push(line);
  readonly err = (line: string) => this.lines.push(line);
  onStopSignal(listener: (signal: string) => void): void {
    this.signal = listener;
  }
  onLifelineEnd(listener: () => void): void {
    this.endLifeline = listener;
  }
  onUncaught(listener: (error: unknown) => void): void {
    this.throwUncaught = listener;
  }
  exit(code: number): void {
    this.exits.push(code);
  }
}

describe('an add-on on the SDK', () => {
  let broker: TestBroker;
  let host: MemoryHost;
  let addon: Addon | undefined;

  beforeEach(async () => {
    broker = new TestBroker();
    await broker.start();
    host = new MemoryHost({
      GATE_ADDON: 'demo',
      GATE_ADDON_TOKEN: 'secret-token',
      GATE_BROKER_URL: broker.url,
    });
  });

  afterEach(async () => {
    await addon?.stop();
    await broker.stop();
    addon = undefined;
  });

  function start(handlers: AddonHandlers = {}, clock: Clock = systemClock): Addon {
    addon = createAddon({ version: '1.2.3', handlers, host, clock });
    void addon.run();
    return addon;
  }

  const states = () => broker.on(topics.state).map(({ state, reason }) => (reason ? [state, reason] : state));
  const readings = () => broker.on(topics.data('d1'));
  const configure = (config: unknown = CONFIG) => broker.publish(topics.config, config, true);

  it('shows starting, then running once its first config has been handled', async () => {
    const handled: ConfigMessage[] = [];
    start({ configure: (config) => void handled.push(config) });
    await until(() => states().length === 1);
    assert.deepEqual(broker.on(topics.state), [{ state: 'starting', contract: 1, version: '1.2.3' }]);
    assert.equal(broker.published[0]?.retain, true);
    await configure();
    await until(() => states().length === 2);
    assert.deepEqual(states(), ['starting', 'running']);
    assert.deepEqual(handled, [CONFIG]);
  });

  it('shows degraded while its author says so, and its state again after a reconnection', async () => {
    const it = start();
    it.state('degraded', 'no stick in /dev/ttyUSB0');
    await configure();
    await until(() => states().length === 2);
    broker.cut();
    await until(() => states().length === 4);
    it.state('running');
    await until(() => states().length === 5);
    const degraded = ['degraded', 'no stick in /dev/ttyUSB0'];
    assert.deepEqual(states(), ['starting', degraded, ['stopped', 'connection lost'], degraded, 'running']);
  });

  it('handles configs one at a time, skips outdated ones, and never one that it has', async () => {
    const seen: unknown[] = [];
    const gates: (() => void)[] = [];
    start({
      configure: ({ parameters }) => {
        seen.push(parameters['n']);
        return new Promise((resolve) => gates.push(resolve));
      },
    });
    const config = (n: number) => ({ parameters: { n }, devices: [] });
    await until(() => states().length === 1);
    for (const n of [1, 2, 3]) await configure(config(n));
    await until(() => gates.length === 1);
    gates[0]?.();
    await until(() => gates.length === 2);
    await configure(config(3));
    gates[1]?.();
    await until(() => states().length === 2);
    assert.deepEqual(seen, [1, 3]);
  });

  it('is degraded by a config that it cannot apply, and well again with the next one', async () => {
    start({
      configure: ({ parameters }) => {
        if (!parameters['port']) throw new AddonError('badParameters', 'a port is needed');
      },
    });
    await until(() => states().length === 1);
    await configure({ parameters: {}, devices: [] });
    await until(() => states().length === 2);
    await configure();
    await until(() => states().length === 3);
    assert.deepEqual(states(), ['starting', ['degraded', 'configuration: a port is needed'], 'running']);
  });

  it('survives messages that break the contract', async () => {
    start();
    await until(() => states().length === 1);
    await configure('{"devices": 7');
    await broker.publish(topics.request('r1'), 'what?');
    await until(() => broker.on(topics.result('r1')).length === 1);
    await configure();
    await until(() => states().at(-1) === 'running');
    assert.deepEqual(host.exits, []);
  });

  it('answers requests', async () => {
    start({ get: ({ deviceId }) => ({ deviceId, on: true }) });
    await until(() => states().length === 1);
    const request = { method: 'get', deviceId: 'd1', params: {}, deadline: Date.now() + 10_000 };
    await broker.publish(topics.request('r1'), request);
    await until(() => broker.on(topics.result('r1')).length === 1);
    assert.deepEqual(broker.on(topics.result('r1')), [{ ok: true, value: { deviceId: 'd1', on: true } }]);
  });

  it('delivers readings at QoS 1, each under an id of its own', async () => {
    const it = start();
    it.report('d1', { value: 'früh' }, { ts: 1_600_000_000_000 });
    it.report('d1', { value: 2 });
    await it.flush();
    const [first, second] = readings();
    assert.deepEqual([first?.['ts'], first?.['data']], [1_600_000_000_000, { value: 'früh' }]);
    assert.notEqual(first?.['id'], second?.['id']);
    assert.ok(
      broker.published.filter(({ topic }) => topic === topics.data('d1')).every(({ qos }) => qos === 1),
    );
  });

  it('delivers what was not acknowledged again under the same id', async () => {
    const it = start();
    await until(() => states().length === 1);
    broker.beforeAck = () => new Promise(() => undefined);
    it.report('d1', { value: 1 });
    broker.cut();
    broker.beforeAck = undefined;
    await it.flush();
    const ids = readings().map(({ id }) => id);
    assert.equal(new Set(ids).size, 1);
  });

  it('says how many readings it had to give up, and stands by it until there is room', async () => {
    await broker.stop();
    const clock = new ManualClock();
    const it = start({}, clock);
    for (let value = 0; value < UNACKNOWLEDGED_MAX + 5; value += 1) it.report('d1', { value });
    assert.equal(it.unacknowledged, UNACKNOWLEDGED_MAX);
    await clock.advance(1_000);
    const told = host.lines.filter((line) => line.includes('given up'));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /5 given up so far/);
    await broker.start();
    await configure();
    await clock.advance(2_000);
    await until(() => broker.connected === 1);
    await it.flush();
    assert.deepEqual(readings()[0]?.['data'], { value: 5 });
    await until(() => states().at(-1) === 'running');
  });

  it('refuses readings that gate would not take, and goes on', async () => {
    const it = start();
    let deep = {};
    for (let depth = 0; depth < 40; depth += 1) deep = { deep };
    const bad = (report: () => void) => assert.throws(report, { code: 'badReading' });
    bad(() => it.report('d1', { text: 'x'.repeat(140_000) }));
    bad(() => it.report('d1', deep));
    bad(() => it.report('d1', { value: 1 }, { ts: 1.5 }));
    bad(() => it.report('d1', { value: 1n as unknown as number }));
    assert.throws(() => it.report('d1/../../x', { value: 1 }), { code: 'badDeviceId' });
    assert.throws(() => it.availability('d+', true), { code: 'badDeviceId' });
    assert.throws(() => it.event({ type: 'log', text: 'x'.repeat(70_000) }), { code: 'badEvent' });
    it.report('d1', { value: 1 });
    await it.flush();
    assert.equal(readings().length, 1);
  });

  it('says availability once, and once more on every connection', async () => {
    const it = start();
    await configure();
    await until(() => states().includes('running'));
    it.availability('d1', false, 'no answer');
    it.availability('d1', false, 'no answer');
    await until(() => broker.on(topics.availability('d1')).length === 1);
    broker.cut();
    await until(() => broker.on(topics.availability('d1')).length === 2);
    assert.deepEqual(broker.on(topics.availability('d1'))[1], { online: false, reason: 'no answer' });
  });

  it('keeps events that happen without a connection', async () => {
    const it = start();
    it.event({ type: 'joined', deviceId: 'd1' });
    it.event({ type: 'configured', deviceId: 'd1' });
    await until(() => broker.on(topics.events).length === 2);
    assert.deepEqual(
      broker.on(topics.events).map(({ type }) => type),
      ['joined', 'configured'],
    );
  });

  it('ends on SIGTERM: last readings delivered, state stopped, exit 0', async () => {
    const it = start({ stop: () => it.report('d1', { value: 'last' }) });
    await until(() => states().length === 1);
    host.signal('SIGTERM');
    await until(() => host.exits.length === 1);
    assert.deepEqual(host.exits, [0]);
    assert.deepEqual(states(), ['starting', 'stopped']);
    assert.deepEqual(readings()[0]?.['data'], { value: 'last' });
  });

  it('ends at once when the pipe to its daemon ends', async () => {
    host.env['GATE_STDIN_LIFELINE'] = '1';
    start();
    await until(() => states().length === 1);
    host.endLifeline();
    assert.deepEqual(host.exits, [0]);
  });

  it('ends by itself, as a child of the daemon, when no broker is there for too long', async () => {
    host.env['GATE_STDIN_LIFELINE'] = '1';
    const clock = new ManualClock();
    start({}, clock);
    await until(() => states().length === 1);
    await broker.stop();
    await until(() => host.lines.some((line) => line.includes('no connection')));
    await clock.advance(10_000);
    assert.deepEqual(host.exits, [1]);
  });

  it('keeps trying for ever where somebody else started it', async () => {
    const clock = new ManualClock();
    start({}, clock);
    await until(() => states().length === 1);
    await broker.stop();
    await until(() => host.lines.some((line) => line.includes('no connection')));
    await clock.advance(60_000);
    assert.deepEqual(host.exits, []);
    await broker.start();
    await clock.advance(4_000);
    await until(() => states().length === 2);
  });

  it('ends when its login stays refused, and never shows its token', async () => {
    broker.token = 'another-token';
    const clock = new ManualClock();
    start({}, clock);
    for (let round = 0; host.exits.length === 0; round += 1) {
      assert.ok(round < 1_000, 'it goes on trying');
      await clock.advance(100);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.deepEqual(host.exits, [1]);
    addon?.log.error('the token is secret-token');
    assert.equal(host.lines.join('').includes('secret-token'), false);
  });

  it('logs an uncaught error on one line and ends with 1', () => {
    start();
    host.throwUncaught(new Error('boom'));
    assert.deepEqual(host.exits, [1]);
    assert.match(host.lines.at(-1) ?? '', /^uncaught error, ending: Error: boom \|.*\n$/);
  });

  it('names the setting that is missing', () => {
    const env = { ...host.env, GATE_ADDON_TOKEN: undefined };
    const create = () => createAddon({ version: '1', handlers: {}, host: new MemoryHost(env) });
    assert.throws(create, /GATE_ADDON_TOKEN/);
  });

  for (const slug of ['virtual', 'http']) {
    it(`serves as a process of its own and ends with its daemon: ${slug}`, async () => {
      const child = spawn(process.execPath, [`addons/${slug}/src/main.ts`], {
        stdio: ['pipe', 'ignore', 'ignore'],
        env: { ...process.env, ...host.env, GATE_ADDON: slug, GATE_STDIN_LIFELINE: '1' },
      });
      const exited = once(child, 'exit');
      const { config, state } = addonTopics(slug);
      await broker.publish(config, { parameters: {}, devices: [] }, true);
      await until(() => broker.on(state).some((each) => each['state'] === 'running'));
      child.stdin?.end();
      assert.deepEqual(await exited, [0, null]);
    });
  }
});
