/**
 * The daemon is killed before and after each call that it makes to the engine while it installs, updates and removes, and
 * started again: what it was told to run is there, the old or the new; or it is removed, and nothing of it is left.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { EngineProxy, type Strike } from '../../support/engine-proxy.ts';
import { until } from '../../support/until.ts';
import { ContainerHouse } from './container-house.ts';
import { buildVersion } from './programs.ts';

/** What is not needed any more is removed after the end was told. */
const CLEARED_MS = 700;

type Begin = () => ReturnType<ContainerHouse['call']>;

export function describeCrashes(engine: () => ContainerEngine, program: () => string): void {
  describe('a daemon that is killed', () => {
    let house: ContainerHouse;
    let proxy: EngineProxy;
    let images: [string, string];

    before(async () => {
      const build = (name: string) => buildVersion(engine(), { program: program(), name, behaviour: 'good' });
      images = [await build('crash:1'), await build('crash:2')];
      house = await ContainerHouse.open(engine());
      proxy = new EngineProxy({
        socketPath: join(house.folder.path, 'engine.sock'),
        engine: engine().socketPath,
      });
      await proxy.start();
      house.environment['DOCKER_HOST'] = `unix://${proxy.socketPath}`;
      house.addProtocol('crash', { image: images[0] });
      await house.start();
    });
    after(async () => {
      await proxy?.stop();
      await house?.close();
    });

    /** How often an installation or an update has ended, or a removal. */
    const ends = () =>
      house.ended.length + house.progress.filter(({ status }) => status === 'notInstalled').length;

    /** Begins it and waits until it has ended, and what is cleared away afterwards too; or until the daemon is gone. */
    async function done(begin: Begin): Promise<void> {
      const count = ends();
      // it may be killed before it has answered
      const answer = await begin().catch(String);
      await until('it has ended', () => ends() > count || !house.isUp, 60_000).catch((cause: unknown) => {
        throw new Error(`it was answered ${JSON.stringify(answer)} and has not ended`, { cause });
      });
      await pause(CLEARED_MS);
    }

    /** @returns whether that call came */
    async function struckAt(call: string, when: Strike['when'], begin: Begin) {
      const struck = proxy.arm({ call, when, act: () => house.stop('kill') });
      await done(begin);
      if (proxy.disarm()) return false;
      await struck;
      await house.start();
      return true;
    }

    /**
     * Both ends of each call that it makes when nobody kills it. A call that changes nothing is struck once: before it is
     * as after the one before. @returns the calls that were struck
     */
    async function each(begin: Begin, check: (call: string) => Promise<void>) {
      proxy.count();
      await done(begin);
      const calls = [...proxy.calls];
      await check('nothing');
      const struck: string[] = [];
      for (const call of calls) {
        for (const when of call.startsWith('GET ') ? (['after'] as const) : (['after', 'before'] as const)) {
          // in another order of what is done side by side it may not come: then it was done to its end
          if (await struckAt(call, when, begin)) struck.push(`${when} ${call}`);
          try {
            await check(call);
          } catch (error) {
            throw new Error(`killed ${when} ${call}: ${(error as Error).message}`, { cause: error });
          }
        }
      }
      return struck;
    }

    function assertStruck(struck: readonly string[], calls: readonly string[]): void {
      for (const call of calls)
        for (const when of ['before', 'after'])
          assert.ok(struck.includes(`${when} ${call} 1`), `not struck ${when} ${call}: ${struck.join(', ')}`);
    }

    /** Of whatever kind. */
    const left = async () => {
      const docker = (...args: string[]) => engine().docker(...args);
      const [containers, volumes, networks, images] = await Promise.all([
        docker('ps', '--all', '--quiet'),
        docker('volume', 'ls', '--quiet', '--filter', 'label=gate.addon=crash'),
        docker('network', 'ls', '--quiet', '--filter', 'name=gate-net'),
        docker('images', '--quiet', `${engine().registry}/gate/crash`),
      ]);
      return { containers, volumes, networks, images };
    };
    const nothingLeft = async () => {
      const isGone = async () => Object.values(await left()).every((ids) => ids === '');
      await until('nothing is left', isGone).catch(async (cause: unknown) => {
        throw new Error(`left: ${JSON.stringify(await left())}`, { cause });
      });
    };

    const oneRuns = () =>
      until('one container runs, and no other is there', async () => {
        const found = await house.containers('crash');
        return found.length === 1 && found[0]?.state === 'running';
      });

    it('at any step of an installation has installed it, or not at all', async function () {
      this.timeout(400_000);
      const remove = () => house.removed('crash', '?data=true');
      const struck = await each(
        () => house.call('POST', 'crash'),
        async () => {
          const { status } = await house.protocol('crash');
          if (status === 'notInstalled') {
            const none = async () => (await house.containers('crash')).length === 0;
            return void (await until('no container is left', none));
          }
          assert.equal(status, 'installed');
          await house.runs('crash');
          await oneRuns();
          await remove();
        },
      );
      assertStruck(struck, [
        'POST /images/create',
        'POST /networks/create',
        'POST /volumes/create',
        'POST /containers/create',
        'POST /containers/:id/start',
      ]);
      await house.outcome('POST', 'crash');
      await house.runs('crash');
    });

    it('at any step of an update runs the old version or the new one', async function () {
      this.timeout(400_000);
      const current = async () => (await house.protocol('crash')).image?.name;
      const other = async () => ((await current()) === images[0] ? images[1] : images[0]);
      const seen = new Set<string | undefined>();
      const struck = await each(
        async () => house.call('PUT', 'crash', { image: await other() }),
        async () => {
          const { status } = await house.runs('crash');
          assert.equal(status, 'installed');
          const image = await current();
          assert.ok(images.includes(image ?? ''), image);
          seen.add(image);
          await oneRuns();
        },
      );
      assertStruck(struck, [
        'POST /images/create',
        'POST /containers/:id/stop',
        'POST /containers/create',
        'POST /containers/:id/start',
        'DELETE /containers/:id',
      ]);
      assert.deepEqual([...seen].sort(), images);
      await house.runs('crash');
    });

    it('at any step of a removal has it installed still, or has removed all of it', async function () {
      this.timeout(400_000);
      const seen = new Set<string>();
      if ((await house.protocol('crash')).status === 'notInstalled') await house.outcome('POST', 'crash');
      const struck = await each(
        () => house.call('DELETE', 'crash', undefined, '?data=true'),
        async () => {
          const { status } = await house.protocol('crash');
          seen.add(status);
          if (status === 'notInstalled') {
            await nothingLeft();
            await house.outcome('POST', 'crash');
          }
          await house.runs('crash');
          await oneRuns();
        },
      );
      assertStruck(struck, [
        'POST /containers/:id/stop',
        'DELETE /containers/:id',
        'DELETE /volumes/:name',
        'DELETE /images/:name',
        'DELETE /networks/:name',
      ]);
      assert.ok(seen.has('notInstalled'));
    });
  });
}
