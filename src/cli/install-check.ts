/** What `gate doctor` finds of an installation by install.sh: the files of the release, and whether it can be updated. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Finding } from './finding.ts';

const run = promisify(execFile);
const SYSTEMCTL_MS = 10_000;
const UPDATE_UNIT = 'gate-update.path';

/** @param installFolder INSTALL_FOLDER @param dataFolder of the gateway that was installed so */
export async function installFindings(installFolder: string, dataFolder: string): Promise<Finding[]> {
  return [await filesFinding(installFolder), ...(await updateFindings(installFolder, dataFolder))];
}

async function filesFinding(installFolder: string): Promise<Finding> {
  const { checkRelease, trustedKeys } = await import('../updater/release-check.ts');
  const current = join(installFolder, 'current');
  try {
    const { version } = await checkRelease(current, trustedKeys(join(current, 'release-keys')));
    return { state: 'ok', what: `the files of gate ${version} are those of its release` };
  } catch (error) {
    const what = `the files in ${current} are not those of the release: ${(error as Error).message}`;
    return { state: 'problem', what, next: 'run install.sh of the same release again: it puts them right' };
  }
}

async function updateFindings(installFolder: string, dataFolder: string): Promise<Finding[]> {
  const { UpdateDesk } = await import('../updater/update-desk.ts');
  const desk = new UpdateDesk({ installFolder, dataFolder, newId: () => '' });
  const outcome = desk.outcome();
  const failed: Finding[] =
    outcome?.failure === undefined
      ? []
      : [
          {
            state: 'warning',
            what: `the last update, to ${outcome.version || 'another release'}, was taken back: ${outcome.failure}`,
            next: 'journalctl --unit=gate-update has its steps; ask for it again when the cause is gone',
          },
        ];
  const waits: Finding = (await isActive(UPDATE_UNIT))
    ? { state: 'ok', what: 'updates can be asked for' }
    : {
        state: 'problem',
        what: `nobody would carry out an update: ${UPDATE_UNIT} does not run`,
        next: `systemctl enable --now ${UPDATE_UNIT}`,
      };
  return [waits, ...failed];
}

async function isActive(unit: string): Promise<boolean> {
  try {
    await run('systemctl', ['--quiet', 'is-active', unit], { timeout: SYSTEMCTL_MS });
    return true;
  } catch {
    return false;
  }
}
