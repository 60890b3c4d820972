/** Installed, updated, removed; found again, and followed: containers of add-ons, one after the other. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { until } from '../../support/until.ts';
import { ContainerHouse } from './container-house.ts';
import { buildVersion } from './programs.ts';

export function describeLifecycle(engine: () => ContainerEngine, program: () => string): void {
  describe('a protocol as a container', () => {
    let house: ContainerHouse;
    const images: Record<string, string> = {};

    before(async () => {
      const build = (name: string, behaviour: Parameters<typeof buildVersion>[1]['behaviour']) =>
        buildVersion(engine(), { program: program(), name, behaviour });
      images['1'] = await build('test:1', 'good');
      images['2'] = await build('test:2', 'good');
      images['3'] = await build('test:3', 'broken');
      images['4'] = await build('test:4', 'silent');
      images['5'] = await build('test:5', 'short');
      house = await ContainerHouse.open(engine());
      house.addProtocol('test', { image: images['1'] });
      await house.start();
    });
    after(() => house?.close());

    it('is fetched with progress, started, and told as installed', async () => {
      const reason = await until(
        'the engine has answered',
        async () => (await house.part('containers'))?.reason,
      );
      assert.match(reason, /^add-ons run as containers: (Docker|Podman) \d/);
      const { stdout, ...ended } = await house.outcome('POST', 'test');
      assert.deepEqual(
        [ended.installationSuccess, ended.exitStatus, ended.newContainers, ended.versions['test']],
        [true, 0, ['test'], images['1']],
        (await house.protocol('test')).reason,
      );
      assert.match(stdout, /Digest: sha256:[0-9a-f]{64}\n/);
      // Podman gives lines later, perhaps after the add-on has said that it runs
      if (engine().kind === 'docker') assert.match(stdout, /this is 1\n/);
      const steps = house.progress.flatMap(({ progress }) => progress ?? []);
      const last = steps.at(-1);
      assert.ok(last && last.layers > 0 && last.layers === last.layersDone, JSON.stringify(steps));
      const { status, state, image } = await house.protocol('test');
      assert.deepEqual([status, state, image?.name], ['installed', 'running', images['1']]);
      assert.match(image?.digest ?? '', /@sha256:[0-9a-f]{64}$/);
    });

    it('has what its manifest names and nothing else', async () => {
      const [container] = await house.containers('test');
      const [found] = JSON.parse(await engine().docker('inspect', container?.id ?? ''));
      const { HostConfig: host, Config: config } = found;
      assert.deepEqual(
        [host.Privileged, host.CapAdd, host.ReadonlyRootfs, host.SecurityOpt],
        [false, [], true, ['no-new-privileges']],
      );
      const status = await engine().docker('exec', container?.id ?? '', 'cat', '/proc/1/status');
      for (const set of ['CapPrm', 'CapEff', 'CapBnd']) assert.match(status, new RegExp(`${set}:\\s*0+\\n`));
      assert.deepEqual(
        [host.Memory, host.MemorySwap, host.PidsLimit, host.Init, host.RestartPolicy.Name],
        [128 * 2 ** 20, 128 * 2 ** 20, 64, true, 'no'],
      );
      assert.deepEqual(host.Devices, []);
      assert.deepEqual(Object.keys(found.NetworkSettings.Networks), ['gate-net']);
      const log = { 'max-size': '1m', 'max-file': '2' };
      if (engine().kind === 'docker') assert.deepEqual(host.LogConfig.Config, log);
      assert.equal(config.User, '1000:1000');
      assert.equal(config.Labels['gate.addon'], 'test');
    });

    it('is told line by line, stdout and stderr told apart, and once each over a stop and a crash of the daemon', async function () {
      this.timeout(90_000);
      const counted = () =>
        house.told
          .filter(({ log, message }) => log === 'test' && message.startsWith('line '))
          .map(({ type, message }) => ({ type, number: Number(message.slice('line '.length)) }));
      const toldMore = async () => {
        const before = counted().length;
        await until('more lines are told', () => counted().length > before);
      };
      const [before] = await house.containers('test');
      for (const how of ['stop', 'kill'] as const) {
        await toldMore();
        // some are read by then and not told yet, and some are written while nobody reads
        await pause(1_200);
        await house.stop(how);
        await pause(600);
        await house.start();
        await house.runs('test');
        assert.equal((await house.part('addon:test'))?.restarts, 0);
      }
      await toldMore();
      const [after] = await house.containers('test');
      assert.equal(after?.id, before?.id, 'a healthy add-on was started anew');
      const numbers = counted().map(({ number }) => number);
      // written down side by side, one output may overtake the other
      assert.deepEqual(
        numbers.toSorted((one, other) => one - other),
        numbers.map((_, index) => index),
      );
      for (const { type, number } of counted()) assert.equal(type, number % 2 === 0 ? 'LOG' : 'ERR');
    });

    it('has a good new version, and the one before is kept', async () => {
      const { installationSuccess } = await house.outcome('PUT', 'test', { image: images['2'] });
      assert.equal(installationSuccess, true);
      const { status, image } = await house.runs('test');
      assert.deepEqual([status, image?.name], ['installed', images['2']]);
      await until('the old container is gone', async () => (await house.containers('test')).length === 1);
      const kept = await engine().docker('images', '--quiet', images['1'] ?? '');
      assert.notEqual(kept, '');
    });

    for (const [version, reason] of [
      ['3', /exited with code 7 \("Error: this version cannot work"\)/],
      ['4', /did not connect within 20 s of its start.*it wrote last: this is 4 \| looking for something/],
      ['5', /exited with code 3 \("Error: it did not last"\)/],
    ] as const) {
      it(`goes back by itself from version ${version}, and says why`, async function () {
        this.timeout(90_000);
        const [before] = await house.containers('test');
        const began = performance.now();
        const ended = await house.outcome('PUT', 'test', { image: images[version] });
        assert.equal(ended.installationSuccess, false);
        assert.ok(performance.now() - began < 60_000, 'it took more than a minute');
        const { status, image, reason: told } = await house.runs('test');
        assert.deepEqual([status, image?.name], ['installed', images['2']]);
        assert.match(told ?? '', reason);
        assert.match(told ?? '', /is back$/);
        const [after] = await until('only the old container is left', async () => {
          const found = await house.containers('test');
          return found.length === 1 && found;
        });
        assert.equal(after?.id, before?.id, 'the old container was kept');
        await until('the failed image is gone', async () => {
          const left = await engine().docker('images', '--quiet', images[version] ?? '');
          return left === '';
        });
      });
    }

    it('ends and is started again', async () => {
      const [before] = await house.containers('test');
      const { restarts = 0 } = (await house.part('addon:test')) ?? {};
      await engine().docker('kill', before?.id ?? '');
      const part = await until('it is started again', async () => {
        const now = await house.part('addon:test');
        return now?.restarts === restarts + 1 && now;
      });
      assert.match(part.lastFailure ?? '', /^it was killed \(SIGKILL\)/);
      await house.runs('test');
    });

    it('leaves no trace when it is removed with its data', async () => {
      assert.notEqual(await engine().docker('volume', 'ls', '--quiet'), '');
      await house.removed('test', '?data=true');
      assert.deepEqual(await house.containers('test'), []);
      assert.equal(await engine().docker('volume', 'ls', '--quiet'), '');
      assert.equal(await engine().docker('network', 'ls', '--quiet', '--filter', 'name=gate-net'), '');
      await until('its images are gone', async () => {
        const left = await engine().docker('images', '--quiet', `${engine().registry}/gate/test`);
        return left === '';
      });
    });
  });
}
