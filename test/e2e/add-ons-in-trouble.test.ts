/**
 * Add-ons that crash, hang, flood or send garbage, each as a real process: health names it, it is started again, and
 * the well-behaved one beside them never notices.
 */
import assert from 'node:assert/strict';
import { Daemon } from '../support/daemon.ts';
import { addForeignAddon } from '../support/foreign-addon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface Part {
  state: string;
  reason?: string;
  restarts?: number;
  lastFailure?: string;
  badMessages?: number;
  lastBadMessage?: string;
}

describe('an add-on in trouble', function () {
  this.timeout(90_000);
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon;

  before(async () => {
    folder = tempFolder();
    addForeignAddon(folder.path, {
      slug: 'crashing',
      program: "setTimeout(() => { console.error('Error: the stick is on fire'); process.exit(3); }, 200);",
    });
    for (const slug of ['hanging', 'flooding', 'garbling'])
      addForeignAddon(folder.path, { slug, source: 'troublemaker.ts' });
    addForeignAddon(folder.path, { slug: 'mute', program: 'setInterval(() => undefined, 1000);' });
    daemon = await Daemon.start({ dataFolder: folder.path });
  });

  after(async () => {
    assert.equal(await daemon.stop(), 0);
    folder.remove();
  });

  async function install(slug: string): Promise<void> {
    await daemon.api.send('POST', `/device/v1/protocols/${slug}/installation`, { parameters: {} });
  }

  async function part(slug: string): Promise<Part | undefined> {
    const { body } = await daemon.api.call<{ parts: Record<string, Part> }>('GET', '/health/ready');
    return body.parts[`addon:${slug}`];
  }

  async function device(slug: string): Promise<string> {
    const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
      name: slug,
      type: `type-${slug}`,
    });
    return id;
  }

  async function virtualReadings(): Promise<number> {
    const known = (await daemon.api.get<{ id: string; name: string }[]>('/device/v1/devices')).find(
      ({ name }) => name === 'calm',
    );
    const { id } =
      known ??
      (await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
        name: 'calm',
        isVirtual: true,
        demoActive: true,
      }));
    return (await daemon.api.get<{ totalItems: number }>(`/device/v1/devices/${id}/data`)).totalItems;
  }

  it('that crashes is started again after a while, and health says why it ended', async () => {
    await install('crashing');
    const found = await until('it was started again', async () => {
      const now = await part('crashing');
      return (now?.restarts ?? 0) >= 2 && now;
    });
    assert.match(String(found.lastFailure), /exited with code 3.*the stick is on fire/);
  });

  it('that hangs is found out, ended and started again', async () => {
    await install('hanging');
    await device('hanging');
    const found = await until(
      'it was started again',
      async () => {
        const now = await part('hanging');
        return (now?.restarts ?? 0) >= 1 && now;
      },
      45_000,
    );
    assert.notEqual(found.lastFailure ?? '', '');
  });

  it('that sends garbage has it counted and its last fault shown, and goes on', async () => {
    await install('garbling');
    await device('garbling');
    const found = await until('its bad messages are counted', async () => {
      const now = await part('garbling');
      return (now?.badMessages ?? 0) > 100 && now;
    });
    assert.equal(found.state, 'running');
    assert.notEqual(found.lastBadMessage ?? '', '');
    const named = daemon.log.filter(({ addon, msg }) => addon === 'garbling' && msg.includes('was refused'));
    assert.equal(named.length <= 20, true, `${named.length} lines`);
  });

  it('that floods does not keep another one’s readings from being stored', async () => {
    await install('flooding');
    const id = await device('flooding');
    await until('the flood is on', async () => {
      const { totalItems } = await daemon.api.get<{ totalItems: number }>(`/device/v1/devices/${id}/data`);
      return totalItems > 5_000;
    });
    await until('the calm one is heard', async () => (await virtualReadings()) > 0);
  });

  it('leaves the API ready, degraded, and naming each', async () => {
    const { status, body } = await daemon.api.call<{ status: string }>('GET', '/health/ready');
    assert.deepEqual([status, body.status], [200, 'degraded']);
  });
});
