/** Which state of the sources a release is made of. All times in a release are that of the commit. */
import { spawnSync } from 'node:child_process';

export interface SourceState {
  /** Of git, with `-changed` where the files are not those of the commit; `unknown` without git. */
  commit: string;
  /** Seconds since 1970. */
  epochSeconds: number;
}

/** `SOURCE_DATE_EPOCH` and `GATE_COMMIT` win, for builds away from git. */
export function sourceState(environment = process.env): SourceState {
  const commit = environment['GATE_COMMIT'] || commitOfGit();
  const epoch = environment['SOURCE_DATE_EPOCH'] || git('log', '-1', '--format=%ct') || '0';
  if (!/^\d{1,11}$/.test(epoch)) throw new Error(`SOURCE_DATE_EPOCH is "${epoch}", not seconds since 1970`);
  return { commit, epochSeconds: Number(epoch) };
}

function commitOfGit(): string {
  const commit = git('rev-parse', 'HEAD');
  if (!commit) return 'unknown';
  return git('status', '--porcelain') === '' ? commit : `${commit}-changed`;
}

/** What it says, or undefined where it cannot. */
function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
