/** Containers, networks and volumes of others, with names as gate's own would have: none of them is ever touched. */
import assert from 'node:assert/strict';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { ContainerHouse } from './container-house.ts';
import { buildVersion } from './programs.ts';

export function describeStrangers(engine: () => ContainerEngine, program: () => string): void {
  describe('what is not gate’s on the engine', () => {
    let house: ContainerHouse;
    let image: string;
    const docker = (...args: string[]) => engine().docker(...args);
    const inspected = async (...names: string[]) =>
      JSON.parse(await docker('inspect', ...names)) as Record<string, unknown>[];

    before(async () => {
      image = await buildVersion(engine(), { program: program(), name: 'mine:1', behaviour: 'good' });
      house = await ContainerHouse.open(engine());
      house.addProtocol('mine', { image });
      house.addProtocol('other', { image });
      await house.start();
    });
    after(async () => {
      await house?.close();
      await docker('volume', 'prune', '--force');
    });

    /** An installation that fails over the name of a stranger. */
    async function refused(): Promise<string> {
      assert.equal((await house.outcome('POST', 'mine')).installationSuccess, false);
      return (await house.protocol('mine')).reason ?? '';
    }

    it('keeps a network of that name', async () => {
      await docker('network', 'create', '--label', 'of=somebody', 'gate-net');
      try {
        const [before] = await inspected('gate-net');
        assert.match(await refused(), /there is a network gate-net already, and it is not gate's/);
        assert.deepEqual(await inspected('gate-net'), [before]);
        assert.deepEqual(await house.containers('mine'), []);
      } finally {
        await docker('network', 'rm', 'gate-net');
      }
    });

    it('keeps a volume of that name, and what is in it', async () => {
      await house.outcome('POST', 'mine');
      const name = await docker('volume', 'ls', '--quiet', '--filter', 'label=gate.addon=mine');
      await house.removed('mine', '?data=true');
      await docker('volume', 'create', '--label', 'gate.gateway=another', name);
      try {
        assert.match(await refused(), /there is a volume \S+ already, and it is not gate's/);
        const labels = await docker('volume', 'inspect', '--format', '{{json .Labels}}', name);
        assert.deepEqual(JSON.parse(labels), { 'gate.gateway': 'another' });
        assert.deepEqual(await house.containers('mine'), []);
      } finally {
        await docker('volume', 'rm', name);
      }
    });

    it('keeps containers: of that name, of another gateway, and of nobody', async () => {
      // it keeps the network where it is: the container's name comes of all that it is made from
      await house.outcome('POST', 'other');
      await house.outcome('POST', 'mine');
      const [own] = await house.containers('mine');
      const name = await docker('inspect', '--format', '{{.Name}}', own?.id ?? '');
      await house.removed('mine', '?data=true');
      const stranger = (...options: string[]) => docker('create', ...options, image, 'node', '--version');
      await docker('pull', '--quiet', image);
      const strangers = [
        await stranger('--name', name.slice(1)),
        await stranger('--label', 'gate.gateway=another', '--label', 'gate.addon=mine'),
        await stranger('--label', 'gate.addon=mine'),
        await stranger('--name', 'gate-mine'),
      ];
      try {
        const before = await inspected(...strangers);
        assert.match(await refused(), /a container of that name is there, and is not this gateway’s/);
        // the next start looks for what a crash has left
        await house.stop('kill');
        await house.start();
        await docker('rm', strangers[0] ?? '');
        assert.equal((await house.outcome('POST', 'mine')).installationSuccess, true);
        await house.removed('mine', '?data=true');
        assert.deepEqual(await inspected(...strangers.slice(1)), before.slice(1));
      } finally {
        await docker('rm', ...strangers.slice(1));
      }
    });
  });
}
