/**
 * A box without a battery for its clock: what the real daemon stores before it knows the time, what becomes of it, and
 * when it reaches the cloud. The clock is set by libfaketime, while everything runs.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { BoxClock } from '../../support/box-clock.ts';
import { Daemon } from '../../support/daemon.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { CloudHouse, obstacle } from './cloud-house.ts';
import { Meter } from './meter.ts';

/** Where a box without a battery begins. */
const BEGIN = 5_000;
const MINUTE_MS = 60_000;
/** What the clock of a test and that of a program may differ by: it is set in whole seconds. */
const NEAR_MS = 5_000;

interface Shown {
  _id: string;
  ts: string;
  data: { n: number };
  clock?: string;
}
interface Relayed {
  seq: number;
  ts: number;
  clock?: string;
  data: { n: number };
}
describe('a box whose clock is wrong', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof tempFolder>;
  let house: CloudHouse | undefined;
  let daemon: Daemon;
  let clock: BoxClock;
  let meter: Meter;
  let environment: Record<string, string>;
  let within: readonly string[];

  before(function () {
    const reason = obstacle() ?? BoxClock.reasonToSkip();
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });
  beforeEach(() => {
    folder = tempFolder();
    clock = new BoxClock(join(folder.path, 'clock'));
    meter = new Meter(() => clock.now());
    house = undefined;
    environment = {};
    within = [];
  });
  afterEach(async () => {
    await meter?.close();
    if (house) await house.close();
    else await daemon?.stop();
    folder.remove();
  });

  /** Also again, after `daemon.kill()`. */
  async function start(): Promise<void> {
    const own = { ...clock.environment, ...environment };
    daemon = house
      ? await house.startDaemon(own, within)
      : await Daemon.start({ dataFolder: join(folder.path, 'data'), environment: own, within });
  }

  /** The add-on is a program of the same box: its readings have the time of the box's clock. */
  const measure = (...numbers: readonly number[]) => meter.measure(daemon, ...numbers.map((n) => ({ n })));

  const shown = async () =>
    (await daemon.api.get<{ data: Shown[] }>(`/device/v1/devices/${meter.deviceId}/data?perPage=100&sort=ts`))
      .data;
  const brief = async () => (await shown()).map(({ data, clock: mark }) => [data.n, mark]);
  const history = async () => {
    const path = `/history/device/${meter.deviceId}/history?attr=n`;
    const entries = await daemon.api.get<{ value: number; clock?: string }[]>(path);
    return entries.map(({ value, clock: mark }) => [value, mark]).reverse();
  };
  const part = async () =>
    (await daemon.api.get<{ parts: Record<string, { state: string; reason?: string }> }>('/health/ready'))
      .parts['clock'];
  const isRight = () => until('the clock is believed', async () => (await part())?.state === 'running');
  /** Each reading as if the clock had been right when it was measured. */
  function assertNear(found: { ts: string | number }, expected: number): void {
    const ms = new Date(found.ts).getTime() - expected;
    assert.ok(Math.abs(ms) < NEAR_MS, `${new Date(found.ts).toISOString()} is ${ms} ms off`);
  }
  /** By number; what was not noted before a kill comes again. */
  function relayed(): Relayed[] {
    const base = house?.topic('data', '') ?? '';
    const items = (house?.cloud.heard ?? [])
      .filter(({ topic }) => topic.startsWith(base))
      .flatMap(({ payload }) => payload as Relayed[] | Relayed);
    return [...new Map(items.map((item) => [item.seq, item])).values()];
  }

  it('marks what it stores, in REST and in events, and dates it anew when somebody sets the clock', async () => {
    clock.set(BEGIN);
    await start();
    await meter.install(daemon);
    assert.match(String((await part())?.reason), /has no time yet: it said 1970-01-01T00:0/);
    const client = io(daemon.url, { transports: ['websocket'] });
    const events: Record<string, unknown>[] = [];
    client.on('data', (event) => events.push(event));
    await until('it is connected', () => client.connected);
    const measuredAt = Date.now();
    await measure(1, 2, 3);
    await until('it is told', () => events.length === 3);
    client.close();
    assert.deepEqual(
      events.map(({ clock: mark }) => mark),
      ['unsure', 'unsure', 'unsure'],
    );
    assert.deepEqual(await brief(), [
      [1, 'unsure'],
      [2, 'unsure'],
      [3, 'unsure'],
    ]);
    assert.deepEqual(await history(), await brief());
    const before = await shown();
    assert.match(String(before[0]?.ts), /^1970-01-01/);
    await daemon.kill();
    await start();
    assert.deepEqual(await shown(), before);
    await measure(4);

    clock.set(Date.now());
    await isRight();
    await until('they are dated anew', async () => (await brief()).every(([, mark]) => mark === undefined));
    await measure(5);
    const after = await shown();
    assert.deepEqual(
      after.map(({ data }) => data.n),
      [1, 2, 3, 4, 5],
    );
    assertNear(after[0] as Shown, measuredAt);
    assert.deepEqual(
      after.slice(0, 3).map(({ _id }) => _id),
      before.map(({ _id }) => _id),
    );
    const { notifications } = await daemon.api.get<{ notifications: { message: string }[] }>(
      '/history/notifications/history',
    );
    assert.ok(
      notifications.some(
        ({ message }) => message === 'the clock of this box is right now: 4 readings were dated anew',
      ),
    );
  });

  it('is told why the link to the cloud fails, and relays every reading once, with its right time', async () => {
    house = await CloudHouse.open();
    clock.set(BEGIN);
    await start();
    await meter.install(daemon);
    const measuredAt = Date.now();
    await measure(1, 2);
    await house.reasonIs(/due to the clock of this box, which says 1970-01-01.*it has no time yet/);
    clock.set(Date.now());
    await house.connected();
    await measure(3);
    await until('all have arrived', () => relayed().length >= 3);
    const found = relayed().toSorted((a, b) => a.seq - b.seq);
    assert.deepEqual(
      found.map(({ seq, data, clock: mark }) => [seq, data.n, mark]),
      [
        [1, 1, undefined],
        [2, 2, undefined],
        [3, 3, undefined],
      ],
    );
    assertNear(found[0] as Relayed, measuredAt);
  });

  it('holds back what it measured behind the last stored reading, although the cloud has connected, until it is set', async () => {
    house = await CloudHouse.open();
    // its authority begins now: what is behind that is no time to connect in
    const aheadMs = 30 * MINUTE_MS;
    clock.set(Date.now() + aheadMs);
    await start();
    await meter.install(daemon);
    await house.connected();
    await measure(1);
    await until('it has arrived', () => relayed().length === 1);
    await daemon.kill();
    // it begins where it was switched off, as far as that was kept
    clock.set(Date.now() + aheadMs - 10 * MINUTE_MS);
    await start();
    await house.connected();
    assert.equal((await part())?.state, 'degraded');
    const measuredAt = Date.now();
    await measure(2, 3);
    assert.deepEqual(await brief(), [
      [2, 'unsure'],
      [3, 'unsure'],
      [1, undefined],
    ]);
    assert.equal(relayed().length, 1);
    clock.set(Date.now() + aheadMs);
    await until('all have arrived', () => relayed().length === 3);
    assert.deepEqual(
      (await shown()).map(({ data }) => data.n),
      [1, 2, 3],
    );
    for (const item of relayed().slice(1)) assertNear(item, measuredAt + aheadMs);
  });

  it('goes on by the time since the box was started when its clock is set to 1970', async () => {
    await start();
    await meter.install(daemon);
    await measure(1);
    clock.set(BEGIN);
    await until('it is noticed', async () => (await part())?.state === 'degraded');
    const measuredAt = Date.now();
    await measure(2);
    clock.set(Date.now());
    await isRight();
    const after = await shown();
    assert.deepEqual(
      after.map(({ data, clock: mark }) => [data.n, mark]),
      [
        [1, undefined],
        [2, undefined],
      ],
    );
    assertNear(after[1] as Shown, measuredAt);
  });

  it('that was restarted before its clock was right dates what it measured as late as it can have been, and says so', async function () {
    // another run of the box: the kernel's own word for it is covered, for the daemon alone
    const bootId = join(folder.path, 'boot-id');
    writeFileSync(bootId, `${randomUUID()}\n`);
    const cover = `mount --bind ${bootId} /proc/sys/kernel/random/boot_id`;
    if (spawnSync('unshare', ['--mount', 'sh', '-c', cover]).status !== 0) {
      console.log('      skipped: only root may cover a file of /proc');
      this.skip();
    }
    house = await CloudHouse.open();
    clock.set(BEGIN);
    within = ['unshare', '--mount', 'sh', '-c', `${cover} && exec "$@"`, 'sh'];
    await start();
    await meter.install(daemon);
    await measure(1, 2);
    await daemon.kill();
    within = [];
    clock.set(Date.now());
    await start();
    await house.connected();
    await measure(3);
    await until('all have arrived', () => relayed().length === 3);
    const found = await shown();
    assert.deepEqual(
      found.map(({ data, clock: mark }) => [data.n, mark]),
      [
        [1, 'estimated'],
        [2, 'estimated'],
        [3, undefined],
      ],
    );
    assert.deepEqual(
      relayed().map(({ clock: mark }) => mark),
      ['estimated', 'estimated', undefined],
    );
    assert.ok(Date.parse(String(found[1]?.ts)) > Date.UTC(2026, 0, 1));
  });
});
