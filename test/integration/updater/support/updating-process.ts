/**
 * The updater as a process of its own that can be killed: `node updating-process.ts FOLDER run ARCHIVE [PHASE [WANTED]] | recover`.
 * With PHASE it ends there as by `kill -9`, right after that phase is on disk. The daemon's process takes systemd's place
 * here: it is started from the current release, and its id is kept in a file.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../../../../src/lib/deadline.ts';
import type { GatewayService } from '../../../../src/updater/service.ts';
import { dropKept, keepStore, restoreStore } from '../../../../src/updater/store-copy.ts';
import { UpdateRun } from '../../../../src/updater/update-run.ts';

const [folder = '', command = '', archive = '', killAt = '', wanted] = process.argv.slice(2);
const installFolder = join(folder, 'opt');
const dataFolder = join(folder, 'data');
const idFile = join(folder, 'daemon.pid');

const service: GatewayService = {
  start: async () => {
    // as systemd: what runs already is not started once more
    if (existsSync(idFile) && existsSync(`/proc/${readFileSync(idFile, 'utf8')}`)) return;
    const release = realpathSync(join(installFolder, 'current'));
    const store = readFileSync(join(release, 'app/store'), 'utf8');
    const daemon = spawn(process.execPath, [join(release, 'app/src/main.js'), dataFolder, store], {
      detached: true,
      stdio: 'ignore',
    });
    daemon.unref();
    writeFileSync(idFile, String(daemon.pid));
  },
  stop: async () => {
    if (!existsSync(idFile)) return;
    const id = Number(readFileSync(idFile, 'utf8'));
    try {
      process.kill(id, 'SIGTERM');
      for (;;) {
        process.kill(id, 0);
        await pause(10);
      }
    } catch {
      rmSync(idFile, { force: true });
    }
  },
  look: async () => {
    const id = Number(readFileSync(idFile, 'utf8'));
    // nobody starts it again here: systemd would, and would count
    return { restarts: existsSync(`/proc/${id}`) ? 0 : Number.POSITIVE_INFINITY, processId: id };
  },
  takeFiles: async () => {},
};

const run = new UpdateRun({
  installFolder,
  dataFolder,
  architecture: process.arch,
  service,
  storeCopies: {
    keep: async () => keepStore(dataFolder),
    restore: async () => restoreStore(dataFolder),
    drop: async () => dropKept(dataFolder),
  },
  now: () => Date.now(),
  freeBytes: () => Number.MAX_SAFE_INTEGER,
  log: (message) => {
    if (message === killAt) process.kill(process.pid, 'SIGKILL');
  },
  healthyWithinMs: 20_000,
  steadyMs: 100,
});

if (command === 'start') await service.start();
else if (command === 'stop') await service.stop();
else if (command === 'recover') await run.recover({ starting: false });
else await run.run({ id: 'asked', archive, wanted, allowOlder: false }, false);
