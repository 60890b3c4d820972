/**
 * systemd is told "alive" only while the daemon gets on. Each part is made to hang for real: the disk under the store's
 * commit, the event loop, the broker.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { reasonToSkip } from '../../scripts/peers/peers.ts';
import { AddonBroker } from '../../src/broker/addon-broker.ts';
import { EventBus } from '../../src/lib/event-bus.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { ServiceManager } from '../../src/lib/service-manager.ts';
import { shortId } from '../../src/lib/short-id.ts';
import { Daemon } from '../support/daemon.ts';
import { NotifySocket } from '../support/notify-socket.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const WATCHDOG_MS = 3_000;
/** Longer than three times what systemd waits. */
const HANGS_MS = 10_000;

describe('the watchdog', function () {
  this.timeout(90_000);
  let folder: ReturnType<typeof tempFolder>;
  let notify: NotifySocket;

  before(function () {
    const missing = reasonToSkip('socat', 'strace', 'machine');
    const reason = missing ?? (process.getuid?.() === 0 ? undefined : 'only root may slow a process down');
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });
  beforeEach(async () => {
    folder = tempFolder();
    notify = await NotifySocket.open(folder.path);
  });
  afterEach(async () => {
    await notify?.close();
    folder?.remove();
  });

  const moreSigns = (count: number) => {
    const before = notify.signs;
    return until(`${count} signs of life`, () => notify.signs >= before + count, 40_000);
  };

  describe('of the daemon', () => {
    let daemon: Daemon;
    let tracer: ChildProcess | undefined;
    beforeEach(async () => {
      daemon = await Daemon.start({
        dataFolder: folder.path,
        environment: notify.environment(WATCHDOG_MS),
      });
    });
    afterEach(async () => {
      tracer?.kill('SIGKILL');
      await daemon.stop();
    });

    /** The kernel's answer to these calls is held back. */
    async function slow(
      calls: string,
      words: readonly string[],
    ): Promise<{ held: () => number; end: () => Promise<void> }> {
      let said = '';
      const inject = `inject=${calls}:delay_enter=${HANGS_MS}ms`;
      const child = spawn('strace', [...words, '-p', String(daemon.process.pid), '-e', inject], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      tracer = child;
      child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk;
      });
      await until('it is attached', () => said.includes('attached'));
      return {
        held: () => said.split('(DELAYED)').length - 1,
        end: async () => {
          const gone = once(child, 'exit');
          child.kill('SIGINT');
          await gone;
        },
      };
    }

    it('is fed while everything gets on', async () => {
      await until('it is ready', () => notify.isReady);
      await moreSigns(3);
    });

    it('is not fed while a commit hangs on the disk, and says so; and is again when the disk answers', async () => {
      await moreSigns(1);
      const disk = await slow('fdatasync,fsync', ['-f']);
      const asked = daemon.api.send('POST', '/authentication/v1/clients', { name: 'slow', scopes: ['read'] });
      await until('it is noticed', () =>
        daemon.log.some(({ msg }) => msg === 'store does not get on: systemd gets no sign of life'),
      );
      const before = notify.signs;
      // the event loop lives
      assert.equal((await daemon.api.call('GET', '/health/live')).status, 200);
      await until('the disk has answered', () => disk.held() > 0, 30_000);
      assert.ok(notify.signs <= before + 1, `${notify.signs - before} signs while a commit hung`);
      await disk.end();
      await asked;
      await moreSigns(2);
    });

    it('is not fed while the event loop stands still', async () => {
      await moreSigns(1);
      const loop = await slow('epoll_wait,epoll_pwait', []);
      const before = notify.signs;
      await until('it stood still', () => loop.held() > 0, 30_000);
      // one may have been on its way
      assert.ok(notify.signs <= before + 1, `${notify.signs - before} signs while it stood still`);
      await loop.end();
      await moreSigns(2);
    });
  });

  it('is not fed when the broker does not pass messages on', async () => {
    const broker = new AddonBroker({
      port: 0,
      events: new EventBus((_event, error) => assert.fail(String(error))),
      logger: createLogger('silent'),
      newId: shortId,
      now: Date.now,
      monotonicNow: () => performance.now(),
    });
    await broker.start();
    const manager = new ServiceManager({
      environment: { ...process.env, ...notify.environment(WATCHDOG_MS) },
      status: 'the broker is up',
      parts: [{ name: 'broker', getOn: () => broker.getOn() }],
      logger: createLogger('silent'),
    });
    try {
      await manager.start();
      await moreSigns(2);
      await broker.stop();
      const before = notify.signs;
      await new Promise((resolve) => setTimeout(resolve, HANGS_MS));
      assert.ok(notify.signs <= before + 1, `${notify.signs - before} signs without a broker`);
      await broker.start();
      await moreSigns(2);
    } finally {
      await manager.stop();
      await broker.stop();
    }
  });
});
