/**
 * The archive for the other kind of box, made here: what it holds is for that processor, it can be put into an image, and
 * its Node runs its daemon, under an emulator of the processor.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import { programPath, reasonToSkip } from '../../../scripts/peers/peers.ts';
import { checkArchive, checkRelease, trustedKeys } from '../../../src/updater/release-check.ts';
import { LocalApi } from '../../support/local-api.ts';
import { makeKey, packageRelease, unpackRelease } from '../../support/release-maker.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

/** ELF, 64 bits, machine AArch64: the ELF header, e_machine at 18. */
const AARCH64 = 0xb7;
/** Debian's C library for it. */
const LIBRARIES = '/usr/aarch64-linux-gnu';
const START_MS = 120_000;

function machineOf(path: string): number {
  const header = Buffer.alloc(20);
  readSync(openSync(path, 'r'), header, 0, header.length, 0);
  assert.equal(header.toString('latin1', 1, 4), 'ELF', path);
  return header.readUInt16LE(18);
}

describe('the archive for arm64', function () {
  this.timeout(400_000);
  let folder: ReturnType<typeof tempFolder>;
  let keyFile: string;
  let release: string;
  let archive: string;

  before(() => {
    folder = tempFolder();
    keyFile = makeKey(join(folder.path, 'key.pem'));
    archive = packageRelease(join(folder.path, 'made'), { keyFile, architecture: 'arm64' });
    release = unpackRelease(archive, folder.path);
  });
  after(() => folder.remove());

  it('is signed as any, and all programs in it are for that processor', async () => {
    const keys = trustedKeys(join(release, 'release-keys'));
    assert.equal((await checkArchive(archive, keys)).arch, 'arm64');
    assert.equal((await checkRelease(release, keys)).arch, 'arm64');
    const programs = [join(release, 'bin/node'), ...globSync(join(release, 'app/**/*.node'))];
    assert.ok(programs.length >= 2, programs.join());
    for (const program of programs) assert.equal(machineOf(program), AARCH64, program);
  });

  it('is put into an image on a machine of another kind, judged by the maker’s key', function () {
    if (process.getuid?.() !== 0) this.skip();
    const image = join(folder.path, 'image');
    const publicKey = join(release, 'release-keys/signed-by.pem');
    const install = (...words: string[]) =>
      spawnSync(join(release, 'install.sh'), ['--prefix', image, ...words], { encoding: 'utf8' });
    const stranger = makeKey(join(folder.path, 'stranger.pem'));
    const strangers = join(folder.path, 'stranger.pub');
    spawnSync('openssl', ['pkey', '-in', stranger, '-pubout', '-out', strangers]);
    const refused = install('--key', strangers);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /is not signed by/);
    const done = install('--key', publicKey);
    assert.equal(done.status, 0, done.stderr);
    const version = basename(readlinkSync(join(image, 'opt/gate/current')));
    assert.equal(machineOf(join(image, 'opt/gate/releases', version, 'bin/node')), AARCH64);
  });

  describe('on an emulated processor', () => {
    let words: string[];
    before(function () {
      const reason = reasonToSkip('qemu');
      if (reason !== undefined) {
        console.log(`      skipped: ${reason}`);
        this.skip();
      }
      words = [programPath('qemu-aarch64-static') ?? '', '-L', LIBRARIES, join(release, 'bin/node')];
    });
    const run = (program: string, ...more: string[]) =>
      spawnSync(words[0] as string, [...words.slice(1), program, ...more], {
        encoding: 'utf8',
        env: { DATA_FOLDER: join(folder.path, 'data'), CONFIG_FOLDER: join(folder.path, 'config') },
        timeout: START_MS,
      });

    it('loads its native modules', () => {
      const bindings = join(release, 'app/node_modules/@serialport/bindings-cpp');
      const { stdout, stderr } = run('-p', `process.arch + ' ' + typeof require('${bindings}').autoDetect`);
      assert.equal(stdout.trim(), 'arm64 function', stderr);
    });

    it('runs the daemon, which stores and answers, and the gate command', async () => {
      const data = join(folder.path, 'data');
      const daemon: ChildProcess = spawn(
        words[0] as string,
        [...words.slice(1), join(release, 'app/src/main.js')],
        {
          env: {
            DATA_FOLDER: data,
            CONFIG_FOLDER: join(folder.path, 'config'),
            PORT: '0',
            BIND: '127.0.0.1',
            LOCAL_BROKER_PORT: '0',
            ADDON_RUNTIME: 'process',
          },
          stdio: 'ignore',
        },
      );
      const ended = once(daemon, 'exit');
      try {
        const api = new LocalApi(join(data, 'gate.sock'));
        const { parts } = await until(
          'it is up',
          async () => {
            const { body } = await api.call<{ parts: Record<string, { state: string }> }>(
              'GET',
              '/health/ready',
            );
            return body.parts['api']?.state === 'running' && body;
          },
          START_MS,
        );
        assert.deepEqual([parts['store']?.state, parts['broker']?.state], ['running', 'running']);
        const made = await api.send<{ id: string }>('POST', '/device/v1/devices', {
          name: 'arm',
          isVirtual: true,
        });
        const { status, stdout, stderr } = run(join(release, 'app/src/cli/main.js'), 'devices', '--json');
        assert.equal(status, 0, stderr);
        assert.equal(JSON.parse(stdout)[0].id, made.id);
      } finally {
        daemon.kill('SIGTERM');
        await ended;
      }
      assert.ok(readFileSync(join(data, 'gate.db')).length > 0);
    });
  });
});
