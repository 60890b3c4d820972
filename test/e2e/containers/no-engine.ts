/** Without an engine, or with one that hangs: protocols run as processes, and what cannot says why. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { EngineProxy } from '../../support/engine-proxy.ts';
import { until } from '../../support/until.ts';
import { ContainerHouse } from './container-house.ts';
import { buildVersion } from './programs.ts';

export function describeNoEngine(engine: () => ContainerEngine, program: () => string): void {
  describe('a gateway whose engine does not answer', () => {
    let house: ContainerHouse;
    let proxy: EngineProxy;

    before(async () => {
      house = await ContainerHouse.open(engine());
      const socketPath = join(house.folder.path, 'engine.sock');
      proxy = new EngineProxy({ socketPath, engine: engine().socketPath });
      house.environment['DOCKER_HOST'] = `unix://${socketPath}`;
      const image = await buildVersion(engine(), { program: program(), name: 'alone:1', behaviour: 'good' });
      house.addProtocol('alone', { image });
      await house.start();
    });
    after(async () => {
      await proxy?.stop();
      await house?.close();
    });

    async function runsAsProcess(why: RegExp): Promise<void> {
      await house.removed('virtual', '?force=true');
      assert.equal((await house.outcome('POST', 'virtual')).installationSuccess, true);
      const { state, image } = await house.runs('virtual');
      assert.deepEqual([state, image], ['running', undefined]);
      const { status, body } = await house.call('POST', 'alone');
      assert.equal(status, 409);
      assert.match(body.message, /^protocol "alone" needs a container engine: /);
      assert.match(body.message, why);
      assert.match(body.hint ?? '', /systemctl start docker/);
    }

    it('runs everything as processes where there is none', async () => {
      const part = await until('it is looked for', () => house.part('containers'));
      assert.equal(part.state, 'stopped');
      assert.match(part.reason ?? '', /^add-ons run as processes: no container engine answers at .*ENOENT/);
      await runsAsProcess(/no container engine answers at .*ENOENT/);
    });

    it('runs them as processes where it hangs', async () => {
      await proxy.start();
      proxy.hangs = true;
      await runsAsProcess(/no answer within 3 s/);
      proxy.hangs = false;
    });

    it('says so when it hangs in the middle of an installation, and removes what there is', async function () {
      this.timeout(90_000);
      void proxy.arm({
        call: 'POST /containers/create 1',
        when: 'before',
        act: () => new Promise(() => undefined),
      });
      const ended = await house.outcome('POST', 'alone');
      assert.equal(ended.installationSuccess, false);
      const { status, reason } = await house.protocol('alone');
      assert.equal(status, 'failed');
      assert.match(reason ?? '', /making container \S+: the container engine does not answer/);
      assert.deepEqual(await house.containers('alone'), []);
      assert.equal(
        await engine().docker('volume', 'ls', '--quiet', '--filter', 'label=gate.addon=alone'),
        '',
      );
    });
  });
}
