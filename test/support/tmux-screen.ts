/** A terminal as a person has it: tmux with a shell in it. Keys are typed, and the screen is read as it is seen. */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { until } from './until.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const HOME = process.env['GATE_BUILT'] ?? ROOT;
const COMMAND = resolve(HOME, JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8')).bin.gate);
/** The shell's prompt: nothing else ends a line so. */
const PROMPT = 'ready>';
const ROWS = 50;

export class TmuxScreen {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** @param folder for its socket and its shell's files; also the gateway's data folder */
  static async open(folder: string, columns: number): Promise<TmuxScreen> {
    const bin = join(folder, 'gate');
    writeFileSync(bin, `#!/bin/sh\nexec '${COMMAND}' "$@"\n`);
    chmodSync(bin, 0o755);
    const rc = join(folder, 'bashrc');
    writeFileSync(rc, `PS1='${PROMPT} '\nPS2=''\nunset PROMPT_COMMAND HISTFILE\nset +m\n`);
    const screen = new TmuxScreen(join(folder, 'tmux'));
    const environment = {
      PATH: `${folder}:${dirname(process.execPath)}:${process.env['PATH']}`,
      DATA_FOLDER: folder,
      CONFIG_FOLDER: join(folder, 'config'),
      HOME: folder,
      TERM: 'xterm-256color',
      LANG: 'C.UTF-8',
    };
    await run(
      'tmux',
      [
        ...['-S', screen.#socket, '-f', '/dev/null', 'new-session', '-d', '-s', 'gate'],
        ...['-x', String(columns), '-y', String(ROWS), `bash --noprofile --rcfile ${rc} -i`],
      ],
      { cwd: folder, env: environment },
    );
    await screen.prompt();
    return screen;
  }

  /** Keys as tmux names them: `C-c`, `Tab`, `Enter`. */
  async keys(...names: string[]): Promise<void> {
    await this.#tmux('send-keys', '-t', 'gate', ...names);
  }

  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-t', 'gate', '-l', text);
  }

  /** An empty line on an empty screen; the shell waits for a line already. */
  async clear(): Promise<void> {
    await this.keys('C-u', 'C-l');
    await until('the screen is empty', async () => (await this.text()).trim() === PROMPT);
  }

  /** A line of the shell, on an empty screen. */
  async enter(line: string): Promise<void> {
    await this.clear();
    await this.type(line);
    await this.keys('Enter');
  }

  /** What is seen. With `colours` with its escape sequences. */
  async text({ colours = false } = {}): Promise<string> {
    return (await this.#tmux('capture-pane', '-p', ...(colours ? ['-e'] : []), '-t', 'gate')).trimEnd();
  }

  sees(pattern: RegExp, deadlineMs?: number): Promise<string> {
    let last = '';
    return until(
      `the screen shows ${pattern}`,
      async () => {
        last = await this.text();
        return pattern.test(last) && last;
      },
      deadlineMs,
    ).catch((error) => {
      throw new Error(`${error.message}; it shows:\n${last}`);
    });
  }

  /** The shell waits for a line, below what was written. @returns what is seen */
  async prompt(deadlineMs?: number): Promise<string> {
    return this.sees(new RegExp(`(^|\\n)${PROMPT}$`), deadlineMs);
  }

  /** Runs a line to its end. @returns what it wrote, and its exit code */
  async runs(line: string, deadlineMs?: number): Promise<{ text: string; code: number }> {
    await this.enter(`${line}; echo "=$?="`);
    const seen = await this.sees(new RegExp(`\\n=\\d+=\\n${PROMPT}$`), deadlineMs);
    const code = Number(/\n=(\d+)=\n/.exec(seen)?.[1]);
    return { text: seen, code };
  }

  /** Lines of the screen are no longer than it is wide, but for those of which a line was wrapped by the terminal. */
  async wrapped(): Promise<string[]> {
    const joined = await this.#tmux('capture-pane', '-p', '-J', '-t', 'gate');
    const { columns } = await this.size();
    return joined.split('\n').filter((line) => line.trimEnd().length > columns);
  }

  async size(): Promise<{ columns: number }> {
    return {
      columns: Number(await this.#tmux('display-message', '-p', '-t', 'gate', '#{pane_width}')),
    };
  }

  /** What the terminal itself is set to: echo, line mode and whether its cursor is seen. */
  async settings(): Promise<string> {
    const cursor = await this.#tmux('display-message', '-p', '-t', 'gate', '#{cursor_flag}');
    const tty = (await this.#tmux('display-message', '-p', '-t', 'gate', '#{pane_tty}')).trim();
    const set = execFileSync('stty', ['--file', tty, '--save'], { encoding: 'utf8' });
    return `${cursor.trim()} ${set.trim()}`;
  }

  /** From now on everything that is written to the terminal, the overwritten too. @returns what came so far */
  async record(): Promise<() => string> {
    const file = `${this.#socket}.written`;
    await this.#tmux('pipe-pane', '-t', 'gate', `cat > ${file}`);
    return () => readFileSync(file, 'utf8');
  }

  async resize(columns: number): Promise<void> {
    await this.#tmux('resize-window', '-t', 'gate', '-x', String(columns));
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined);
  }

  async #tmux(...words: string[]): Promise<string> {
    return (await run('tmux', ['-S', this.#socket, ...words])).stdout;
  }
}
