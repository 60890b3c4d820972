/** Containers that the cloud asks for, by mosquitto_pub: installed, updated, gone back from, and refused. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { until } from '../../support/until.ts';
import { CloudHouse, obstacle } from '../cloud/cloud-house.ts';
import { buildVersion } from './programs.ts';

const SLUG = 'asked';

interface Told {
  protocol: string;
  protocolId: string;
  exitStatus: number;
  installationSuccess: boolean;
  stdout: string;
  stderr: string;
  versions: Record<string, string>;
  newContainers: string[];
}

export function describeCloudCommands(engine: () => ContainerEngine, program: () => string): void {
  describe('a protocol as a container, at the request of the cloud', function () {
    this.timeout(180_000);
    let house: CloudHouse;
    const images: string[] = [];

    before(async function () {
      const reason = obstacle();
      if (reason !== undefined) {
        console.log(`      skipped: ${reason}`);
        this.skip();
      }
      for (const [name, behaviour] of [
        [`${SLUG}:1`, 'good'],
        [`${SLUG}:2`, 'good'],
        [`${SLUG}:3`, 'broken'],
      ] as const)
        images.push(await buildVersion(engine(), { program: program(), name, behaviour }));
      house = await CloudHouse.open();
      addProtocol(SLUG, images[0] ?? '');
      addProtocol('miner', 'evil/miner:1');
      await house.startDaemon(engine().environment);
      await house.connected();
    });
    after(async () => {
      await house?.daemon.api.send(
        'DELETE',
        `/device/v1/protocols/${SLUG}/installation?data=true&force=true`,
      );
      await until('it is removed', async () => (await protocol()).status === 'notInstalled');
      await house?.close();
      await engine()
        .docker('network', 'rm', 'gate-net')
        .catch(() => undefined);
    });

    function addProtocol(slug: string, image: string): void {
      const folder = join(house.dataFolder, 'addons', slug);
      mkdirSync(folder, { recursive: true });
      const head = { id: `id-${slug}`, slug, name: slug, contract: 1, version: '1.0.0' };
      writeFileSync(
        join(folder, 'addon.json'),
        JSON.stringify({ ...head, parameters: { type: 'object' }, runtime: { container: { image } } }),
      );
    }
    const reports = () =>
      house.cloud.on(house.topic('discover', 'protocol')).map(({ payload }) => payload as Told);
    /** Publishes it, and waits for the report that comes of it. */
    async function answer(rest: string, payload: unknown): Promise<Told> {
      const before = reports().length;
      await house.publish('discover', rest, payload);
      return until(`an answer to ${rest}`, () => reports()[before], 90_000);
    }
    const update = (image: string) =>
      answer('protocol/update', [{ id: image, slug: image.replace(/:[^:]+$/, '') }]);
    const protocol = () =>
      house.daemon.api.get<{ status: string; state: string; image?: { name: string } }>(
        `/device/v1/protocols/${SLUG}`,
      );
    const runs = (image: string | undefined) =>
      until(
        `${image} runs`,
        async () => {
          const found = await protocol();
          return found.state === 'running' && found.image?.name === image;
        },
        60_000,
      );

    it('is installed, and the new container is told', async () => {
      const told = await answer('protocol/post', { protocolRecord: { id: `id-${SLUG}`, slug: SLUG } });
      assert.deepEqual(
        [told.protocol, told.protocolId, told.installationSuccess, told.newContainers, told.versions[SLUG]],
        [SLUG, `id-${SLUG}`, true, [SLUG], images[0]],
        told.stderr,
      );
      assert.match(told.stdout, /Digest: sha256:[0-9a-f]{64}\n/);
      await runs(images[0]);
    });

    it('is updated to another version of its image', async () => {
      const told = await update(images[1] ?? '');
      assert.deepEqual([told.installationSuccess, told.versions[SLUG]], [true, images[1]], told.stderr);
      await runs(images[1]);
    });

    it('goes back from one that does not work, and says why', async () => {
      const told = await update(images[2] ?? '');
      assert.deepEqual([told.installationSuccess, told.exitStatus, told.newContainers], [false, 7, []]);
      assert.match(told.stderr, /this version cannot work/);
      await runs(images[1]);
    });

    it('is not fetched where ADDON_IMAGES does not name its image', async () => {
      const told = await answer('protocol/post', { protocolRecord: { id: 'id-miner', slug: 'miner' } });
      assert.equal(told.installationSuccess, false);
      assert.match(told.stderr, /evil\/miner:1/);
      const other = await update('evil/miner:2');
      assert.equal(other.installationSuccess, false);
      const kept = await engine().docker('images', '--format', '{{.Repository}}');
      assert.ok(!kept.includes('evil/miner'), kept);
    });
  });
}
