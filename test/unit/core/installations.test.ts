import assert from 'node:assert/strict';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { Installations } from '../../../src/core/installations/installations.ts';
import { Logs } from '../../../src/core/logs.ts';
import type { AddonCredentials, AddonShelf } from '../../../src/core/ports.ts';
import type { AddonPackage } from '../../../src/core/protocols/addon-package.ts';
import { ExternalLogins } from '../../../src/core/protocols/external-logins.ts';
import { LogRing } from '../../../src/lib/log-ring.ts';
import { until } from '../../support/until.ts';
import { addonPackage, type HouseOfDevices, houseOfDevices } from './house-of-devices.ts';

/** Folders that hold what a test puts into them. */
class MemoryShelf implements AddonShelf {
  found: AddonPackage = addonPackage('others');
  kept: AddonPackage | undefined;

  async read(): Promise<AddonPackage> {
    return this.found;
  }
  async add(): Promise<AddonPackage> {
    return this.found;
  }
  demandForeign(): void {}
  async drop(): Promise<void> {}
  async keep(addon: AddonPackage): Promise<void> {
    this.kept = addon;
  }
  async restore(): Promise<{ addon: AddonPackage; aside: string } | undefined> {
    return this.kept && { addon: this.kept, aside: '/aside' };
  }
  async forget(): Promise<void> {
    this.kept = undefined;
  }
}

const CREDENTIALS: AddonCredentials = {
  brokerUrl: 'mqtt://127.0.0.1:1883',
  issue: (addon) => ({ brokerUrl: 'mqtt://127.0.0.1:1883', addon, token: 'x' }),
  readmit: () => undefined,
  revoke: () => undefined,
};

describe('installations', () => {
  let house: HouseOfDevices;
  let shelf: MemoryShelf;
  let installations: Installations;
  let ended: GatewayEvents['installationEnded'][];

  beforeEach(async () => {
    house = await houseOfDevices();
    await open({ installMs: 60_000, removeMs: 60_000 });
  });
  afterEach(() => installations.stop());

  async function open(deadlines: { installMs: number; removeMs: number }): Promise<void> {
    const { protocols, devices, events } = house;
    const now = Date.now;
    shelf = new MemoryShelf();
    ended = [];
    installations?.stop();
    installations = new Installations({
      protocols,
      logins: new ExternalLogins({ protocols, credentials: CREDENTIALS }),
      credentials: CREDENTIALS,
      shelf,
      logs: new Logs({ own: new LogRing(), devices, protocols, events, now }),
      events,
      now,
      onTrouble: (message, error) => assert.fail(`${message}: ${error}`),
      deadlines,
    });
    installations.start();
    events.on('installationEnded', (end) => ended.push(end));
  }

  const version = (number: string): AddonPackage => {
    const addon = addonPackage('others');
    return { ...addon, manifest: { ...addon.manifest, version: number } };
  };
  const says = (state: 'running' | 'degraded') =>
    house.protocols.reportState('others', { state, contract: 1, version: '1' });
  const status = () => house.protocols.get('others').status;

  async function installed(): Promise<void> {
    await installations.install('others', {});
    says('running');
    assert.equal(status(), 'installed');
  }

  it('begin one at a time: of two at once one is refused', async () => {
    const outcomes = await Promise.allSettled([
      installations.install('others', {}),
      installations.install('others', {}),
    ]);
    assert.deepEqual(outcomes.map((outcome) => outcome.status).sort(), ['fulfilled', 'rejected']);
    says('running');
    assert.equal(ended.length, 1);
  });

  it('are not ended by what the version before an update still says', async () => {
    await installed();
    shelf.found = version('2.0.0');
    await installations.update('others', { version: '2.0.0' });
    says('degraded');
    assert.deepEqual([status(), ended.length], ['updating', 1]);
    house.events.emit('addonRunBegan', { slug: 'others' });
    says('running');
    assert.deepEqual(
      [status(), ended[1]?.installationSuccess, ended[1]?.version],
      ['installed', true, '2.0.0'],
    );
    assert.equal(shelf.kept?.manifest.version, '2.0.0');
  });

  it('have failed when the add-on does not say in time that it runs, and an update goes back', async () => {
    await installed();
    await open({ installMs: 20, removeMs: 20 });
    shelf.kept = version('1.0.0');
    shelf.found = version('2.0.0');
    await installations.update('others', {});
    await until('it has failed', () => ended.length > 0);
    assert.deepEqual(
      [ended[0]?.installationSuccess, ended[0]?.exitStatus, ended[0]?.version],
      [false, 1, '1.0.0'],
    );
    assert.match(
      house.protocols.get('others').reason ?? '',
      /update to 2\.0\.0 failed: it did not say within 0\.02 s/,
    );
    assert.equal(house.protocols.get('others').version, '1.0.0');
  });

  it('without a way back stay failed, and may be updated again', async () => {
    await installed();
    shelf.kept = undefined;
    shelf.found = version('2.0.0');
    await installations.update('others', {});
    house.health.report('addon:others', 'failed', 'it exited with code 3');
    await until('it has failed', () => ended.length > 1);
    assert.deepEqual([status(), house.protocols.get('others').version], ['failed', '2.0.0']);
    shelf.found = version('2.0.1');
    await installations.update('others', {});
    assert.equal(status(), 'updating');
  });

  it('that are removed meanwhile have failed', async () => {
    await installations.install('others', {});
    await installations.remove('others');
    assert.deepEqual([ended[0]?.installationSuccess, status()], [false, 'removing']);
    await assert.rejects(installations.install('others', {}), { code: 'conflict', message: /being removed/ });
    house.events.emit('addonStopped', { slug: 'others' });
    assert.equal(status(), 'notInstalled');
  });

  it('are removed although nothing tells of the end', async () => {
    await installed();
    await open({ installMs: 20, removeMs: 20 });
    await installations.remove('others');
    await until('it is removed', () => status() === 'notInstalled');
  });
});
