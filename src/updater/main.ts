/**
 * The updater's process, root's own and apart from the daemon: `run` carries out what is asked for in the spool,
 * `recover` ends what a power cut interrupted, `verify FOLDER KEYS` judges an unpacked release for install.sh.
 * systemd starts it: packaging/systemd/gate-update.service, gate-recover.service.
 *
 * Exit codes: 0 done, an update that went back included · 1 it broke, and is started again · 2 wrong use.
 */
import { spawnSync } from 'node:child_process';
import { constants, fstatSync, openSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { GatewayError } from '../model/error.ts';
import { requestSchema, type UpdateRequest } from './forms.ts';
import { spoolFolders } from './install-folders.ts';
import { checkRelease, SMALL_FILE_MAX_BYTES, trustedKeys } from './release-check.ts';
import { SystemdService } from './service.ts';
import { dropKept, keepStore, restoreStore } from './store-copy.ts';
import { type StoreCopies, UpdateRun } from './update-run.ts';

/** A store of 1 GB on a slow card. */
const STORE_COPY_MS = 900_000;
const COPIES = { keep: keepStore, restore: restoreStore, drop: dropKept };
type CopyName = keyof typeof COPIES;

const dataFolder = process.env['DATA_FOLDER'] ?? '/var/lib/gate';
const installFolder = process.env['INSTALL_FOLDER'] ?? '/opt/gate';

function updateRun(): UpdateRun {
  return new UpdateRun({
    installFolder,
    dataFolder,
    architecture: process.arch,
    service: new SystemdService(),
    storeCopies: copiesAsOwner(),
    now: () => Date.now(),
    freeBytes: () => {
      const { bavail, bsize } = statfsSync(dataFolder);
      return bavail * bsize;
    },
    log: (message) => process.stdout.write(`${message}\n`),
  });
}

/** As the user whose folder it is, in a process of its own: root would follow links that this user left there. */
function copiesAsOwner(): StoreCopies {
  const { uid, gid } = statSync(dataFolder);
  const isRoot = process.getuid?.() === 0;
  const run = async (name: CopyName) => {
    const { status, stderr, error } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), 'store', name],
      { ...(isRoot ? { uid, gid } : {}), timeout: STORE_COPY_MS, encoding: 'utf8' },
    );
    if (status !== 0)
      throw new GatewayError('storeFailed', `store ${name}: ${error?.message ?? stderr.trim()}`);
  };
  return { keep: () => run('keep'), restore: () => run('restore'), drop: () => run('drop') };
}

/** What is asked for; it is gone from the spool afterwards. Undefined where nothing is, or nothing that makes sense. */
function takeRequest(): { request: UpdateRequest; trusted: boolean } | undefined {
  const { request: path } = spoolFolders(dataFolder);
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = fstatSync(file);
    if (!found.isFile() || found.size > SMALL_FILE_MAX_BYTES) return undefined;
    const request = v.parse(requestSchema, JSON.parse(readFileSync(file, 'utf8')));
    return { request, trusted: found.uid === process.getuid?.() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      process.stderr.write(`a request that makes no sense was dropped: ${(error as Error).message}\n`);
    return undefined;
  } finally {
    rmSync(path, { force: true });
  }
}

async function main([command = '', ...words]: string[]): Promise<number> {
  if (command === 'verify' && words.length === 2) {
    const [folder = '', keys = ''] = words;
    const { version } = await checkRelease(folder, trustedKeys(keys));
    process.stdout.write(`${version}\n`);
  } else if (command === 'run') {
    const run = updateRun();
    await run.recover({ starting: false });
    const asked = takeRequest();
    if (asked) await run.run(asked.request, asked.trusted);
  } else if (command === 'recover') await updateRun().recover({ starting: true });
  else if (command === 'store' && words[0] !== undefined && words[0] in COPIES)
    COPIES[words[0] as CopyName](dataFolder);
  else {
    process.stderr.write('usage: run | recover | verify FOLDER KEYS\n');
    return 2;
  }
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const known = error instanceof GatewayError;
  process.stderr.write(`gate updater: ${known ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
}
