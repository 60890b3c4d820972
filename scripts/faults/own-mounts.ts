/**
 * Runs this program once more where nobody else sees what it mounts: another process that makes a mount namespace of its
 * own meanwhile would hold the file systems that are cut off and mounted again here. They also go with the last process.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const INSIDE = 'GATE_FAULTS_OWN_MOUNTS';
const WORDS = ['--mount', '--propagation', 'private'];

/** Returns where it is so already, or cannot be; otherwise it ends with the program that it has started. */
export async function inOwnMounts(): Promise<void> {
  if (process.env[INSIDE] !== undefined || process.getuid?.() !== 0) return;
  if (spawnSync('unshare', [...WORDS, 'true'], { stdio: 'ignore' }).status !== 0) return;
  const child = spawn('unshare', [...WORDS, process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  process.exit((code as number | null) ?? 1);
}
