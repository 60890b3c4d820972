import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { pathToFileURL } from 'node:url';
import type { AddonPackage } from '../../../src/core/protocols/protocols.ts';
import type { RunningAddon } from '../../../src/supervisor/runtime.ts';
import { House, runs, STUBBORN, UNHURRIED, until, WELL_BEHAVED } from './house.ts';

const NEVER = new AbortController().signal;
const PRINT_PID = `console.log('pid=' + process.pid);`;

describe('process runtime', () => {
  let house: House;
  let started: RunningAddon[];

  beforeEach(async () => {
    house = await House.open();
    started = [];
  });

  afterEach(async () => {
    await Promise.all(started.map((run) => run.stop()));
    await house.close();
  });

  const readmit = () => undefined;

  async function start(addon: AddonPackage, signal = NEVER): Promise<RunningAddon> {
    const { slug } = addon.manifest;
    const login = { brokerUrl: 'mqtt://127.0.0.1:1883', addon: slug, token: 'secret' };
    const run = await house.runtime.start({ slug, addon, login, readmit }, signal);
    started.push(run);
    return run;
  }

  async function startScript(slug: string, script: string): Promise<RunningAddon> {
    return start(await house.package(slug, script));
  }

  const pidOf = async (slug: string) =>
    Number(await until(() => house.printed(slug, 'pid').at(-1), 'it printed its id'));

  it('gives an add-on its login, a data folder of its own, and nothing else of the environment', async () => {
    const run = await startScript(
      'knx',
      `console.log('env=' + JSON.stringify(process.env)); console.log('cwd=' + process.cwd());
       console.log('flags=' + process.execArgv.join(' '));`,
    );
    await run.exited;
    const dataFolder = join(house.dataFolder, 'addons-data', 'knx');
    assert.deepEqual(JSON.parse(house.printed('knx', 'env')[0] ?? ''), {
      PATH: '/usr/bin:/bin',
      TZ: 'UTC',
      GATE_BROKER_URL: 'mqtt://127.0.0.1:1883',
      GATE_ADDON: 'knx',
      GATE_ADDON_TOKEN: 'secret',
      GATE_DATA_FOLDER: dataFolder,
      GATE_STDIN_LIFELINE: '1',
    });
    assert.deepEqual(house.printed('knx', 'cwd'), [dataFolder]);
    assert.equal((await stat(dataFolder)).mode & 0o777, 0o700);
    assert.deepEqual(house.printed('knx', 'flags'), [
      '--max-semi-space-size=1 --v8-pool-size=1 --max-old-space-size=32',
    ]);
  });

  it('tells every line of both outputs, and how the process ended', async () => {
    const run = await startScript(
      'knx',
      `console.log('hello'); console.error('no port'); process.exitCode = 3;`,
    );
    assert.deepEqual(await run.exited, { code: 3, signal: null, lastWords: 'no port' });
    assert.deepEqual(house.lines.map(({ type, line }) => [type, line]).sort(), [
      ['ERR', 'no port'],
      ['LOG', 'hello'],
    ]);
  });

  it('bounds what an add-on writes, and says how much it left out', async () => {
    const run = await startScript(
      'knx',
      `console.log('x'.repeat(10_000)); for (let n = 0; n < 50_000; n += 1) console.log('line ' + n);`,
    );
    await run.exited;
    const lines = house.linesOf('knx');
    assert.match(lines[0] ?? '', /^x{4096} … \(5904 more characters left out\)$/);
    const said = lines.flatMap((line) => /^gate left out (\d+) lines/.exec(line)?.[1] ?? []);
    const leftOut = said.reduce((sum, count) => sum + Number(count), 0);
    assert.ok(said.length > 0);
    assert.equal(lines.length - said.length + leftOut, 50_001);
  });

  it('stops an endless flood', async () => {
    const run = await startScript('knx', `for (;;) process.stdout.write('flood\\n');`);
    await until(() => house.lines.length > 0, 'it floods');
    await run.stop(UNHURRIED.stopMs);
    assert.equal((await run.exited).signal, 'SIGTERM');
  });

  it('lets an add-on end in its own way, and kills one that does not', async () => {
    const [good, bad] = [await startScript('http', WELL_BEHAVED), await startScript('knx', STUBBORN)];
    await until(() => house.lines.filter(({ line }) => line === 'connect').length === 2, 'both run');
    await Promise.all([good.stop(UNHURRIED.stopMs), bad.stop(1_000), bad.stop()]);
    assert.equal((await good.exited).code, 0);
    assert.equal((await bad.exited).signal, 'SIGKILL');
    assert.ok(house.linesOf('knx').includes('no'));
  });

  it('says so when the heap of an add-on is full', async () => {
    const run = await startScript('knx', `const all = []; for (;;) all.push({ n: all.length });`);
    const { signal, lastWords } = await run.exited;
    assert.equal(signal, 'SIGABRT');
    assert.match(lastWords, /heap out of memory/);
  });

  it('ends with an add-on what the add-on had started', async () => {
    const run = await startScript(
      'knx',
      `import { spawn } from 'node:child_process';
       const child = spawn('sleep', ['1000'], { stdio: 'inherit' });
       child.on('spawn', () => { console.log('pid=' + child.pid); process.exit(0); });`,
    );
    const grandchild = await pidOf('knx');
    await run.exited;
    for (let looks = 0; looks < 200 && (await runs(grandchild)); looks += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(await runs(grandchild), false);
  });

  it('runs the compiled module where the source is not there', async () => {
    const addon = await house.package('knx', `console.log('compiled');`, {
      runtime: { process: { entry: 'src/main.ts', memoryMb: 32 } },
    });
    await mkdir(join(addon.folder, 'src'));
    await rename(join(addon.folder, 'main.mjs'), join(addon.folder, 'src/main.js'));
    await (await start(addon)).exited;
    assert.deepEqual(house.linesOf('knx'), ['compiled']);
  });

  it('runs TypeScript as it lies there, without a warning', async () => {
    const addon = await house.package('knx', '', {
      runtime: { process: { entry: 'main.ts', memoryMb: 32 } },
    });
    await writeFile(join(addon.folder, 'package.json'), '{"type":"module"}');
    await writeFile(join(addon.folder, 'main.ts'), `const word: string = 'typed'; console.log(word);`);
    await (await start(addon)).exited;
    assert.deepEqual(house.linesOf('knx'), ['typed']);
  });

  it('runs no entry outside the folder, also behind a symbolic link', async () => {
    const outside = join(house.folder, 'outside.mjs');
    await writeFile(outside, '');
    const addon = await house.package('knx', '', {
      runtime: { process: { entry: 'link.mjs', memoryMb: 32 } },
    });
    await symlink(outside, join(addon.folder, 'link.mjs'));
    await assert.rejects(start(addon), { code: 'addonUnavailable', message: /leads outside/ });
  });

  it('says why, when Node itself cannot be run', async () => {
    const { ProcessRuntime } = await import('../../../src/supervisor/process-runtime.ts');
    const { createLogger } = await import('../../../src/lib/logger.ts');
    const runtime = new ProcessRuntime({
      nodePath: '/nowhere/node',
      environment: {},
      dataFolder: house.dataFolder,
      onLine: () => undefined,
      logger: createLogger('silent'),
    });
    const addon = await house.package('knx', '');
    const login = { brokerUrl: '', addon: 'knx', token: '' };
    await assert.rejects(runtime.start({ slug: 'knx', addon, login, readmit }, NEVER), {
      code: 'addonUnavailable',
      message: /^it cannot be started: spawn \/nowhere\/node ENOENT/,
    });
  });

  describe('after the daemon was killed', () => {
    const recordPath = () => join(house.dataFolder, 'run', 'knx.json');

    /** Starts the add-on in a daemon of its own, kills that daemon, and returns the add-on's process id. */
    async function orphan(script: string): Promise<number> {
      await house.package('knx', PRINT_PID + script);
      const daemon = join(house.folder, 'daemon.mjs');
      const source = (path: string) => pathToFileURL(join(import.meta.dirname, '../../../src', path)).href;
      await writeFile(
        daemon,
        `import { ProcessRuntime } from '${source('supervisor/process-runtime.ts')}';
         import { createLogger } from '${source('lib/logger.ts')}';
         const runtime = new ProcessRuntime({ nodePath: process.execPath, environment: process.env,
           dataFolder: ${JSON.stringify(house.dataFolder)}, logger: createLogger('silent'),
           onLine: (slug, type, line) => console.log(line) });
         const manifest = { slug: 'knx', runtime: { process: { entry: 'main.mjs', memoryMb: 32 } } };
         const addon = { folder: ${JSON.stringify(join(house.folder, 'addons/knx'))}, types: [], manifest };
         const login = { brokerUrl: '', addon: 'knx', token: '' };
         const readmit = () => undefined;
         await runtime.start({ slug: 'knx', addon, login, readmit }, new AbortController().signal);
         console.log('recorded');`,
      );
      const child = spawn(execPath, [daemon], { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      await until(() => text.includes('recorded') && text.includes('connect'), 'the add-on runs');
      child.kill('SIGKILL');
      await once(child, 'exit');
      return Number(/pid=(\d+)/.exec(text)?.[1]);
    }

    it('kills an add-on that stayed behind, before the new one starts', async () => {
      const pid = await orphan(STUBBORN);
      assert.equal(await runs(pid), true);
      await startScript('knx', PRINT_PID + WELL_BEHAVED);
      assert.equal(await runs(pid), false);
      assert.notEqual(await pidOf('knx'), pid);
    });

    it('lets an add-on end by itself that notices', async () => {
      const pid = await orphan(WELL_BEHAVED);
      await startScript('knx', PRINT_PID + WELL_BEHAVED);
      assert.equal(await runs(pid), false);
    });

    it('gives up the wait when it is told to', async () => {
      const pid = await orphan(STUBBORN);
      try {
        const addon = await house.package('knx', '');
        await assert.rejects(start(addon, AbortSignal.timeout(10)));
        assert.equal(await runs(pid), true);
      } finally {
        process.kill(pid, 'SIGKILL');
      }
    });

    it('never touches a process that only has the same id', async () => {
      const stranger = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
      try {
        await (await startScript('knx', '')).exited;
        const identity = { pid: stranger.pid, startTime: '1', bootId: 'of another boot' };
        await writeFile(recordPath(), JSON.stringify(identity));
        await (await startScript('knx', '')).exited;
        assert.equal(await runs(stranger.pid as number), true);
      } finally {
        stranger.kill('SIGKILL');
      }
    });

    it('starts whatever a torn record holds', async () => {
      await mkdir(join(house.dataFolder, 'run'), { recursive: true });
      for (const torn of ['', '{"pid":', '{"pid":-1,"startTime":"1","bootId":"x"}', '[]']) {
        await writeFile(recordPath(), torn);
        await (await startScript('knx', '')).exited;
      }
    });

    it('keeps a record while the add-on runs, and none after', async () => {
      const run = await startScript('knx', PRINT_PID + WELL_BEHAVED);
      assert.equal(JSON.parse(await readFile(recordPath(), 'utf8')).pid, await pidOf('knx'));
      await run.stop();
      assert.equal(existsSync(recordPath()), false);
    });
  });
});
