/** What goes wrong with containers, each told by its name; and services that do not speak the add-on contract. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from '../../../scripts/peers/free-port.ts';
import { ContainerEngine } from '../../support/container-engine.ts';
import { until } from '../../support/until.ts';
import { ContainerHouse } from './container-house.ts';
import { type Behaviour, buildVersion } from './programs.ts';

const SERVICE = `
  import { createServer } from 'node:http';
  const server = createServer((request, answer) => {
    if (request.url === '/end') process.exit(4);
    answer.end('hello');
  });
  server.listen(8080);
  process.on('SIGTERM', () => process.exit(0));
`;

export function describeFailures(engine: () => ContainerEngine, program: () => string): void {
  describe('a container in trouble', () => {
    let house: ContainerHouse;
    let servicePort: number;

    before(async () => {
      const build = (name: string, behaviour: Behaviour) =>
        buildVersion(engine(), { program: program(), name, behaviour });
      house = await ContainerHouse.open(engine());
      house.addProtocol('silent', { image: await build('silent:1', 'silent') });
      house.addProtocol('greedy', { image: await build('greedy:1', 'greedy'), memoryMb: 64 });
      const sick = [
        'ENV BEHAVIOUR=good VERSION=1',
        'HEALTHCHECK --interval=1s --retries=2 CMD echo not well; exit 1',
      ];
      house.addProtocol('sick', { image: await engine().buildProgram('sick:1', program(), sick) });
      const good = await build('good:1', 'good');
      house.addProtocol('good', { image: good });
      const port = { type: 'object', properties: { port: { type: 'string' } } };
      house.addProtocol('stick', { image: good, devices: [{ parameter: 'port' }] }, port);
      servicePort = await freePort();
      const image = await engine().buildProgram('service:1', SERVICE);
      const ports = [{ container: 8080, host: servicePort }];
      house.addProtocol('service', { image, ports, service: { port: 8080 } });
      await house.start();
    });
    after(() => house?.close());

    /** An installation that fails, and what is left of it. */
    async function failure(slug: string, body: object = {}): Promise<string> {
      const ended = await house.outcome('POST', slug, body);
      assert.equal(ended.installationSuccess, false);
      assert.deepEqual(await house.containers(slug), []);
      assert.equal(
        await engine().docker('volume', 'ls', '--quiet', '--filter', `label=gate.addon=${slug}`),
        '',
      );
      const { status, reason } = await house.protocol(slug);
      assert.equal(status, 'failed');
      return reason ?? '';
    }

    it('has an image that is not there', async () => {
      const reason = await failure('good', { image: `${engine().registry}/gate/nothing:1` });
      assert.match(reason, /^fetching image .*\/gate\/nothing:1: there is no such image/);
    });

    it('has an image that this gateway may not run', async () => {
      const { status, body } = await house.call('POST', 'good', { image: 'somebody/else:1' });
      assert.deepEqual([status, body.code], [403, 'forbidden']);
      assert.match(body.hint ?? '', /^ADDON_IMAGES names what it may: /);
    });

    it('has a device that is not there', async () => {
      const reason = await failure('stick', { parameters: { port: '/dev/serial/by-id/nothing' } });
      assert.match(reason, /^its device node \/dev\/serial\/by-id\/nothing is not there/);
    });

    it('has the device that its parameter names, and no other', async () => {
      const { installationSuccess } = await house.outcome('POST', 'stick', {
        parameters: { port: '/dev/null' },
      });
      assert.equal(installationSuccess, true);
      const [container] = await house.containers('stick');
      const [found] = JSON.parse(await engine().docker('inspect', container?.id ?? ''));
      assert.deepEqual(found.HostConfig.Devices, [
        { PathOnHost: '/dev/null', PathInContainer: '/dev/null', CgroupPermissions: 'rw' },
      ]);
      await house.removed('stick', '?data=true');
    });

    it('never becomes ready', async function () {
      this.timeout(60_000);
      const reason = await failure('silent');
      assert.match(reason, /^it did not connect within 20 s of its start/);
      assert.match(reason, /it wrote last: this is 1 \| looking for something that is not there/);
    });

    it('wants a port that is taken', async () => {
      const taken = createServer().listen(servicePort, '0.0.0.0');
      await once(taken, 'listening');
      try {
        assert.match(await failure('service'), /a port that it wants to serve is taken/);
      } finally {
        taken.close();
      }
    });

    it('takes more memory than it may', async () => {
      await house.call('POST', 'greedy');
      const told = await until('its end is told', async () => {
        const { reason = '' } = await house.protocol('greedy');
        const { lastFailure = reason } = (await house.part('addon:greedy')) ?? {};
        return /it took more memory than it may have, 64 MB/.test(lastFailure) && lastFailure;
      });
      assert.match(told, /and was killed/);
      if ((await house.protocol('greedy')).status !== 'failed') await house.removed('greedy', '?data=true');
    });

    it('runs, and its health check fails', async () => {
      await house.outcome('POST', 'sick');
      const part = await until('it is started again', async () => {
        const now = await house.part('addon:sick');
        return (now?.restarts ?? 0) > 0 && now;
      });
      assert.match(part.lastFailure ?? '', /^its health check fails \("not well"\)/);
      await house.removed('sick', '?data=true');
    });

    it('is a service, which is asked over HTTP how it is', async () => {
      const { installationSuccess } = await house.outcome('POST', 'service');
      assert.equal(installationSuccess, true);
      await house.runs('service');
      const answer = await fetch(`http://127.0.0.1:${servicePort}/`);
      assert.equal(await answer.text(), 'hello');
      const { restarts = 0 } = (await house.part('addon:service')) ?? {};
      await fetch(`http://127.0.0.1:${servicePort}/end`).catch(() => undefined);
      const part = await until('it is started again', async () => {
        const now = await house.part('addon:service');
        return (now?.restarts ?? 0) > restarts && now?.state === 'running' && now;
      });
      assert.match(part.lastFailure ?? '', /^it exited with code 4/);
      await house.removed('service', '?data=true');
    });

    it('waits for an engine that was stopped, and is back with it', async function () {
      this.timeout(90_000);
      await house.outcome('POST', 'good');
      await engine().stopEngine();
      const containers = await until('the engine is missed', async () => {
        const part = await house.part('containers');
        return part?.state === 'degraded' && part;
      });
      assert.match(containers.reason ?? '', /^the container engine does not answer/);
      const reason = await until('the add-on is missed', async () => {
        const part = await house.part('addon:good');
        return part?.state === 'failed' && part.reason;
      });
      assert.notEqual(reason, '');
      const { body } = await house.call('POST', 'stick');
      assert.match(body.message, /needs a container engine/);
      await engine().startEngine();
      await house.runs('good');
      assert.equal((await house.part('containers'))?.state, 'running');
      await house.removed('good', '?data=true');
    });

    it('cannot be fetched while its registry is away, and can afterwards', async function () {
      this.timeout(90_000);
      await engine().docker('image', 'prune', '--force');
      await engine().stopRegistry();
      const reason = await failure('good');
      assert.match(reason, /its registry cannot be reached/);
      await engine().startRegistry();
      assert.equal((await house.outcome('POST', 'good')).installationSuccess, true);
      await house.removed('good', '?data=true');
    });

    it('does not fit on a disk that is full', async function () {
      this.timeout(90_000);
      const small = await SmallEngine.start();
      const crowded = new ContainerHouse(small.engine, { ADDON_IMAGES: `${engine().registry}/gate/*` });
      try {
        crowded.addProtocol('good', { image: `${engine().registry}/gate/good:1` });
        await crowded.start();
        const ended = await crowded.outcome('POST', 'good');
        assert.equal(ended.installationSuccess, false);
        assert.match((await crowded.protocol('good')).reason ?? '', /the disk is full/);
      } finally {
        await crowded.close();
        await small.stop();
      }
    });
  });
}

/** An engine whose disk has room for nothing much. */
class SmallEngine {
  readonly engine: ContainerEngine;

  private constructor(engine: ContainerEngine) {
    this.engine = engine;
  }

  static async start(): Promise<SmallEngine> {
    const engine = ContainerEngine.prepared();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', engine.dataRoot]);
    assert.equal(mounted.status, 0, String(mounted.stderr));
    await engine.startEngine();
    return new SmallEngine(engine);
  }

  async stop(): Promise<void> {
    await this.engine.stopEngine();
    spawnSync('umount', [this.engine.dataRoot]);
    await this.engine.stop();
  }
}
