/**
 * A gateway that was installed into a folder: the real daemon of the release that is current, as a process in the place
 * of systemd's service.
 */
import type { SpawnOptions } from 'node:child_process';
import { openSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_FLAGS } from '../../test/support/daemon.ts';
import { ProcessService } from '../../test/support/process-service.ts';

export function placesIn(folder: string) {
  return {
    installFolder: join(folder, 'opt'),
    dataFolder: join(folder, 'data'),
    idFile: join(folder, 'daemon.pid'),
    log: join(folder, 'daemon.log'),
  };
}

export function folderService(folder: string): ProcessService {
  const { installFolder, dataFolder, idFile, log } = placesIn(folder);
  return new ProcessService(idFile, () => {
    const release = realpathSync(join(installFolder, 'current'));
    const output = openSync(log, 'a');
    const words = [process.execPath, ...NODE_FLAGS, join(release, 'app/src/main.js')];
    const options: SpawnOptions = {
      stdio: ['ignore', output, output],
      env: {
        PATH: process.env['PATH'],
        DATA_FOLDER: dataFolder,
        CONFIG_FOLDER: join(dataFolder, 'config'),
        INSTALL_FOLDER: installFolder,
        PORT: '0',
        BIND: '127.0.0.1',
        LOCAL_BROKER_PORT: '0',
        ADDON_RUNTIME: 'process',
        LOG_LEVEL: 'info',
      },
    };
    return { words, options };
  });
}
