/**
 * The `gate` command as a child of the daemon, for work that takes memory which the daemon does not have: encryption. Told
 * on its standard input what is secret; it says on its standard output how far it is, a line of JSON each.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import type { WorkOptions } from '../core/upkeep/maintenance-ports.ts';
import { GatewayError } from '../model/error.ts';

/** Longer than any backup takes. */
const TIMEOUT_MS = 6 * 3_600_000;
const SAID_MAX_CHARS = 4_000;
/** As the command puts a refusal. */
const REFUSAL = /^gate: (.+?)(?:\. Next: (.+))?$/m;

const progressLine = v.object({
  progress: v.object({
    phase: v.string(),
    bytes: v.optional(v.number()),
    totalBytes: v.optional(v.number()),
  }),
});

export interface GateProcessParts {
  /** The `gate` command: the file and the Node that runs it. */
  cliPath: string;
  nodePath: string;
  environment: Record<string, string | undefined>;
  dataFolder: string;
}

/**
 * Runs `gate` with these words; `secret` is the one line of its standard input. @returns the JSON it has printed last
 * @throws GatewayError conflict with its own words and hint
 */
export async function runGate(
  { cliPath, nodePath, environment, dataFolder }: GateProcessParts,
  { words, secret }: { words: readonly string[]; secret: string },
  { onProgress, signal }: WorkOptions,
): Promise<unknown> {
  const child = spawn(nodePath, [cliPath, '--json', ...words], {
    env: {
      PATH: environment['PATH'],
      CONFIG_FOLDER: environment['CONFIG_FOLDER'],
      DATA_FOLDER: dataFolder,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  let [said, last] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-SAID_MAX_CHARS);
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const told = v.safeParse(v.pipe(v.string(), v.parseJson(), progressLine), line);
    if (told.success) onProgress(told.output.progress as Parameters<typeof onProgress>[0]);
    else last = line;
  });
  // one that has ended already takes nothing any more: how it ended says why
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${secret}\n`);
  const [code, killedBy] = await once(child, 'close').catch((error: Error) => [error.message, undefined]);
  if (code === 0) return JSON.parse(last);
  if (signal.aborted) throw signal.reason;
  const [, message, hint] = REFUSAL.exec(said) ?? [];
  throw new GatewayError('conflict', message ?? (said.trim() || `gate ended with ${code ?? killedBy}`), {
    hint,
  });
}
