/** Containers from the cloud: installed, updated and told, over a real broker with mutual TLS. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { CloudHouse, obstacle } from '../cloud/cloud-house.ts';
import type { Installation } from './container-house.ts';
import { buildVersion } from './programs.ts';

export function describeFromTheCloud(engine: () => ContainerEngine, program: () => string): void {
  describe('a container, asked for by the cloud', () => {
    let house: CloudHouse;
    let images: [string, string, string];

    before(async function () {
      const reason = obstacle();
      if (reason !== undefined) {
        console.log(`      ${reason}`);
        this.skip();
      }
      const build = (name: string, behaviour: 'good' | 'broken') =>
        buildVersion(engine(), { program: program(), name, behaviour });
      images = [await build('far:1', 'good'), await build('far:2', 'good'), await build('far:3', 'broken')];
      house = await CloudHouse.open();
      const folder = join(house.dataFolder, 'addons', 'far');
      mkdirSync(folder, { recursive: true });
      const head = { id: 'far', slug: 'far', name: 'far', contract: 1, version: '1.0.0' };
      const runtime = { container: { image: images[0] } };
      writeFileSync(
        join(folder, 'addon.json'),
        JSON.stringify({ ...head, parameters: { type: 'object' }, runtime }),
      );
      await house.startDaemon(engine().environment);
      await house.connected();
    });
    after(async () => {
      const left = (await engine().docker('ps', '--all', '--quiet')).split('\n').filter(Boolean);
      await house?.close();
      if (left.length > 0) await engine().docker('rm', '--force', '--volumes', ...left);
      await engine()
        .docker('network', 'rm', 'gate-net')
        .catch(() => undefined);
    });

    /** The next report on it after what is published. */
    async function reported(topic: string, payload: object): Promise<Installation & { protocol: string }> {
      const reports = () => house.cloud.on(house.topic('discover', 'protocol'));
      const before = reports().length;
      await house.publish('discover', topic, payload);
      return house.heard<Installation & { protocol: string }>('discover', 'protocol', (told) => {
        const at = reports().findIndex((report) => report.payload === told);
        return at >= before && told.protocol === 'far';
      });
    }

    it('protocol/post fetches its image, starts it, and tells what came of it', async () => {
      const record = { id: 'far', slug: 'far', parameters: {} };
      const told = await reported('protocol/post', { protocolRecord: record, parameters: {} });
      assert.equal(told.installationSuccess, true, told.stderr);
      assert.deepEqual([told.exitStatus, told.newContainers], [0, ['far']]);
      assert.equal(told.versions['far'], images[0]);
      assert.match(told.stdout, /Digest: sha256:[0-9a-f]{64}\n/);
      assert.notEqual(await engine().docker('ps', '--quiet', '--filter', 'label=gate.addon=far'), '');
    });

    it('protocol/update runs the new version; one that does not work is told with the reason, and followed by the old', async () => {
      const update = (image: string) => [{ id: image, slug: image.slice(0, image.lastIndexOf(':')) }];
      const good = await reported('protocol/update', update(images[1]));
      assert.deepEqual([good.installationSuccess, good.versions['far']], [true, images[1]]);
      const broken = await reported('protocol/update', update(images[2]));
      assert.deepEqual([broken.installationSuccess, broken.exitStatus], [false, 7]);
      assert.match(broken.stderr, /Error: this version cannot work/);
      const { image, reason } = await house.daemon.api.get<{ image: { name: string }; reason: string }>(
        '/device/v1/protocols/far',
      );
      assert.equal(image.name, images[1]);
      assert.match(reason, /exited with code 7.* is back$/);
    });
  });
}
