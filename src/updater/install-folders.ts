/** Where an installed gateway has its releases, and where an update leaves its marks. `docs/guides/updating.md`. */
import { join } from 'node:path';

/** Below INSTALL_FOLDER: root's alone to write. */
export interface InstallFolders {
  /** `releases/<version>` */
  releases: string;
  /** Link to the release that runs. */
  current: string;
  /** Link to the release that is known to work: the updater runs from it. */
  updater: string;
  /** An update under way: there only meanwhile. */
  state: string;
  /** The same once more, for the case that one of the two is damaged. */
  stateCopy: string;
  /** How the last update ended. */
  outcome: string;
}

/** Below DATA_FOLDER: the gateway's own. */
export interface SpoolFolders {
  spool: string;
  /** What is asked for; whoever may write here may ask. */
  request: string;
}

export function installFolders(installFolder: string): InstallFolders {
  return {
    releases: join(installFolder, 'releases'),
    current: join(installFolder, 'current'),
    updater: join(installFolder, 'updater'),
    state: join(installFolder, 'update', 'state.json'),
    stateCopy: join(installFolder, 'update', 'state-copy.json'),
    outcome: join(installFolder, 'update', 'outcome.json'),
  };
}

export function spoolFolders(dataFolder: string): SpoolFolders {
  const spool = join(dataFolder, 'update');
  return { spool, request: join(spool, 'request.json') };
}
