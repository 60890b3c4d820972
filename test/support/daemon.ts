/**
 * The real daemon as a process of its own, on free ports and in a folder of its own: what e2e tests, the kill test and
 * the benchmarks run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { LocalApi } from './local-api.ts';
import { until } from './until.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** The flags of Node that `npm start` gives the daemon. */
export const NODE_FLAGS: readonly string[] = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  .scripts.start.split(' ')
  .filter((word: string) => word.startsWith('--'));

const LAST_WORDS_MS = 1_000;

export interface LogLine {
  level: string;
  msg: string;
  [key: string]: unknown;
}

export interface DaemonOptions {
  dataFolder: string;
  environment?: Record<string, string>;
  /** What `npm run build` made: the folder with `src/main.js`. GATE_BUILT where not given; the sources without either. */
  built?: string;
  /** A command that runs it, given as its last words: to run it in a place of its own. It must become the daemon. */
  within?: readonly string[];
}

export class Daemon {
  readonly process: ChildProcess;
  readonly api: LocalApi;
  readonly log: LogLine[] = [];
  /** What it wrote to its standard error. */
  errors = '';
  /** Its exit code or signal, when all that it said is there. */
  readonly exited: Promise<number | string>;

  private constructor(process: ChildProcess, folder: string) {
    this.process = process;
    this.api = new LocalApi(join(folder, 'gate.sock'));
    const closed = once(process, 'close');
    this.exited = once(process, 'exit').then(async ([code, signal]) => {
      // its last words may come after its end; whatever it has started may keep them open
      await Promise.race([closed, pause(LAST_WORDS_MS, undefined, { ref: false })]);
      return (code ?? signal) as number | string;
    });
    if (process.stdout) {
      createInterface(process.stdout).on('line', (line) => {
        this.log.push(line.startsWith('{') ? JSON.parse(line) : { level: 'raw', msg: line });
      });
    }
    process.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString();
    });
  }

  /** Starts it and does not wait for it. */
  static spawn(options: DaemonOptions): Daemon {
    const { dataFolder, environment = {}, built = process.env['GATE_BUILT'], within = [] } = options;
    const main = built === undefined ? join(ROOT, 'src/main.ts') : join(built, 'src/main.js');
    const [command = '', ...words] = [...within, process.execPath, ...NODE_FLAGS, main];
    const child = spawn(command, words, {
      env: {
        PATH: process.env['PATH'],
        CONFIG_FOLDER: join(dataFolder, 'config'),
        DATA_FOLDER: dataFolder,
        PORT: '0',
        BIND: '127.0.0.1',
        LOCAL_BROKER_PORT: '0',
        // a test that wants containers says so: an engine on the machine changes nothing in the others
        ADDON_RUNTIME: 'process',
        LOG_LEVEL: 'debug',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // its folder may be seen by itself alone
    return new Daemon(child, within.length === 0 ? dataFolder : `/proc/${child.pid}/root${dataFolder}`);
  }

  /** Starts it and waits until its API answers. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const daemon = Daemon.spawn(options);
    await Promise.race([
      until('the daemon is up', () => daemon.log.some(({ msg }) => msg.startsWith('gate is up'))),
      daemon.exited.then((code) => {
        throw new Error(`the daemon ended with ${code} before it was up: ${daemon.errors}`);
      }),
    ]);
    return daemon;
  }

  /** `http://127.0.0.1:<port>`, with TLS `https://…` */
  get url(): string {
    const line = this.log.find(({ msg }) => msg.startsWith('gate is up'));
    const url = line?.msg.match(/https?:\S+/)?.[0];
    if (!url) throw new Error('the daemon serves no LAN');
    return url;
  }

  /** Asks it to end; resolves with its exit code. */
  async stop(): Promise<number | string> {
    this.process.kill('SIGTERM');
    return this.exited;
  }

  /** Ends it as a power cut would: nothing is flushed. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }
}
