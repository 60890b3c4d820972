/** The `gate` command, run by its own first line as a person runs it: what was built, where the daemon is that too. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const HOME = process.env['GATE_BUILT'] ?? ROOT;
/** Looked for when it is run: what is built may not be there before. */
const command = () => resolve(HOME, JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8')).bin.gate);

export interface Ran {
  code: number | null;
  output: string;
  errors: string;
}

export class GateCommand {
  output = '';
  errors = '';
  readonly ended: Promise<Ran>;
  readonly #child: ChildProcess;

  /** With the folder as its working directory and as `DATA_FOLDER`. `within`: a command that runs it, given as its last words. */
  constructor(
    folder: string,
    words: readonly string[],
    environment: Record<string, string> = {},
    within: readonly string[] = [],
  ) {
    const [program = '', ...rest] = [...within, command(), ...words];
    const child = spawn(program, rest, {
      cwd: folder,
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        DATA_FOLDER: folder,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => {
      this.output += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.errors += chunk;
    });
    this.#child = child;
    this.ended = once(child, 'close').then(([code]) => ({
      code: code as number | null,
      output: this.output,
      errors: this.errors,
    }));
  }

  /** As a power cut would. */
  kill(): Promise<Ran> {
    this.#child.kill('SIGKILL');
    return this.ended;
  }

  /** As Ctrl-C does. */
  interrupt(): Promise<Ran> {
    this.#child.kill('SIGINT');
    return this.ended;
  }
}
