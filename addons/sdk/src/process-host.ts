/**
 * What an add-on needs of the process it runs in; the only file of the SDK that touches `process`.
 */
import { keepAliveFile } from './alive-file.ts';

export interface AddonHost {
  /** GATE_ADDON, GATE_ADDON_TOKEN, GATE_BROKER_URL, GATE_STDIN_LIFELINE. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** SIGTERM or SIGINT arrived. */
  onStopSignal(listener: (signal: string) => void): void;
  /** The pipe on stdin has ended: whoever started this process is gone. */
  onLifelineEnd(listener: () => void): void;
  onUncaught(listener: (error: unknown) => void): void;
  exit(code: number): void;
}

export function processHost(): AddonHost {
  // the reader of our log may go before we do: that alone is no reason to fail
  const alive = process.env['GATE_ALIVE_FILE'];
  if (alive) keepAliveFile(alive);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return {
    env: process.env,
    out: (line) => process.stdout.write(line),
    err: (line) => process.stderr.write(line),
    onStopSignal(listener) {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => listener(signal));
    },
    onLifelineEnd(listener) {
      const { stdin } = process;
      for (const event of ['end', 'close', 'error'] as const) stdin.once(event, listener);
      stdin.resume();
    },
    onUncaught(listener) {
      process.on('uncaughtException', listener);
    },
    exit: (code) => process.exit(code),
  };
}
