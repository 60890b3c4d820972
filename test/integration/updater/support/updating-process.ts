/**
 * The updater as a process of its own that can be killed: `node updating-process.ts FOLDER run ARCHIVE [PHASE [WANTED]] | recover`.
 * With PHASE it ends there as by `kill -9`, right after that phase is on disk. The daemon's process takes systemd's place
 * here: it is started from the current release, and its id is kept in a file.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { folderUpdate } from '../../../support/folder-update.ts';
import { ProcessService } from '../../../support/process-service.ts';

const [folder = '', command = '', archive = '', killAt = '', wanted] = process.argv.slice(2);
const installFolder = join(folder, 'opt');
const dataFolder = join(folder, 'data');

const service = new ProcessService(join(folder, 'daemon.pid'), () => {
  const release = realpathSync(join(installFolder, 'current'));
  const store = readFileSync(join(release, 'app/store'), 'utf8');
  const words = [process.execPath, join(release, 'app/src/main.js'), dataFolder, store];
  return { words, options: { stdio: 'ignore' } };
});

const run = folderUpdate({
  installFolder,
  dataFolder,
  service,
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
