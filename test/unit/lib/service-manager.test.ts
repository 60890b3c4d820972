/** What systemd is told, by its own program's words: a program of that name on the PATH writes them down. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../../../src/lib/logger.ts';
import { type Progressing, ServiceManager } from '../../../src/lib/service-manager.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

describe('what systemd is told', () => {
  let folder: ReturnType<typeof tempFolder>;
  let manager: ServiceManager | undefined;

  beforeEach(() => {
    folder = tempFolder();
    const program = join(folder.path, 'systemd-notify');
    writeFileSync(program, `#!/bin/sh\nfor word in "$@"; do echo "$word"; done >> '${folder.path}/told'\n`);
    chmodSync(program, 0o755);
    writeFileSync(join(folder.path, 'told'), '');
  });
  afterEach(async () => {
    await manager?.stop();
    folder.remove();
  });

  const told = () => readFileSync(join(folder.path, 'told'), 'utf8').trim().split('\n');
  const signs = () => told().filter((word) => word === 'WATCHDOG=1').length;

  function start(parts: Progressing[], environment: Record<string, string> = {}): Promise<void> {
    manager = new ServiceManager({
      environment: { PATH: `${folder.path}:/usr/bin:/bin`, NOTIFY_SOCKET: '/run/none', ...environment },
      status: 'it answers',
      parts,
      logger: createLogger('silent'),
    });
    return manager.start();
  }

  it('is when it is ready and when it stops, and nothing more where there is no watchdog', async () => {
    await start([]);
    await manager?.stop();
    assert.deepEqual(told(), ['READY=1', 'STATUS=it answers', 'STOPPING=1']);
  });

  it('is nothing where nobody listens', async () => {
    await start([], { NOTIFY_SOCKET: '', WATCHDOG_USEC: '30000' });
    await manager?.stop();
    assert.deepEqual(told(), ['']);
  });

  it('is a sign of life for each time that every part has got on', async () => {
    let asked = 0;
    const getOn = async () => {
      asked += 1;
    };
    await start([{ name: 'store', getOn }], { WATCHDOG_USEC: '30000' });
    await until('three signs', () => signs() >= 3);
    assert.ok(asked >= signs());
  });

  it('is no sign of life while a part hangs or fails, and one again when it gets on', async () => {
    let mode: 'hang' | 'fail' | 'well' = 'hang';
    let asked = 0;
    const getOn = () => {
      asked += 1;
      if (mode === 'hang') return new Promise<void>(() => {});
      return mode === 'fail' ? Promise.reject(new Error('broken')) : Promise.resolve();
    };
    const well = { name: 'broker', getOn: () => Promise.resolve() };
    await start([well, { name: 'store', getOn }], { WATCHDOG_USEC: '30000' });
    await until('it was asked while it hung', () => asked >= 3);
    mode = 'fail';
    const before = asked;
    await until('it was asked while it failed', () => asked >= before + 3);
    assert.equal(signs(), 0);
    mode = 'well';
    await until('a sign', () => signs() > 0);
  });
});
