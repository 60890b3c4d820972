/** The add-on's backups of the coordinator, by the real library on the simulated stick, with the time in the test's hand. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { NetworkBackup } from '../../../addons/zigbee/src/network/network-backup.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { until } from '../../support/until.ts';
import { ManualClock } from '../../unit/addons/manual-clock.ts';
import { ZigbeeHost } from './support/zigbee-host.ts';

const HOUR_MS = 3_600_000;
const SOON_MS = 5_000;

describe('the backup of a Zigbee coordinator', () => {
  let radio: SimulatedRadio;
  let host: ZigbeeHost;
  let clock: ManualClock;
  let backup: NetworkBackup;
  const errors: string[] = [];
  const log = { info: () => undefined, error: (text: string) => errors.push(text) } as never;
  const path = () => join(host.folder.path, 'coordinator-backup.json');
  const madeAtMs = () => statSync(path(), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  /** Until another one lies there, which has a time of its own. */
  const another = (beforeMs: number) => until('there is a new one', () => madeAtMs() > beforeMs);

  before(async () => {
    radio = await SimulatedRadio.start();
    host = new ZigbeeHost();
    await host.start(radio.url);
    clock = new ManualClock(Date.now());
    backup = new NetworkBackup({ folder: host.folder.path, log, clock });
  });
  after(async () => {
    backup.detach();
    await host.remove();
    await radio.stop();
  });

  it('is made soon after a start that finds none, readable by the gateway alone', async () => {
    backup.attach(host.controller);
    await clock.advance(SOON_MS);
    await another(0);
    assert.equal(statSync(path()).mode & 0o777, 0o600);
    assert.equal(JSON.parse(readFileSync(path(), 'utf8')).metadata.format, 'zigpy/open-coordinator-backup');
  });

  it('is made once a day', async () => {
    for (let day = 1; day <= 3; day += 1) {
      const beforeMs = madeAtMs();
      await clock.advance(24 * HOUR_MS - 1);
      assert.equal(clock.waiting, 1, 'it is not due yet');
      assert.equal(madeAtMs(), beforeMs);
      await clock.advance(1);
      await another(beforeMs);
    }
  });

  it('is made once for several changes, and has the device that came', async () => {
    const beforeMs = madeAtMs();
    const bulb = radio.add(new ColourBulb());
    await host.pair(bulb);
    for (let change = 0; change < 3; change += 1) {
      backup.changed();
      await clock.advance(SOON_MS - 1);
    }
    assert.equal(madeAtMs(), beforeMs);
    await clock.advance(1);
    await another(beforeMs);
    assert.ok(readFileSync(path(), 'utf8').includes(bulb.ieee.slice(2)));
    assert.ok(
      !readFileSync(`${path()}.previous`, 'utf8').includes(bulb.ieee.slice(2)),
      'the one before is kept',
    );
  });

  it('is due after a start by its age, also where the clock was ahead when it was made', async () => {
    backup.detach();
    assert.equal(clock.waiting, 0);
    for (const [ageHours, dueHours] of [
      [20, 4],
      [-2_000, 24],
    ] as const) {
      const made = new Date(clock.now() - ageHours * HOUR_MS);
      utimesSync(path(), made, made);
      const beforeMs = madeAtMs();
      backup.attach(host.controller);
      await clock.advance(dueHours * HOUR_MS - 1);
      assert.equal(madeAtMs(), beforeMs);
      await clock.advance(1);
      await until('there is a new one', () => madeAtMs() !== beforeMs);
      backup.detach();
    }
  });

  it('is tried again within the hour where the stick did not answer', async () => {
    backup.attach(host.controller);
    const beforeMs = madeAtMs();
    radio.mute();
    await clock.advance(24 * HOUR_MS);
    await until('it says so', () => errors.length > 0, 30_000);
    assert.match(errors.join(), /^the coordinator could not be backed up: .*after 6000ms/);
    radio.unmute();
    await clock.advance(HOUR_MS);
    await another(beforeMs);
  }).timeout(60_000);
});
