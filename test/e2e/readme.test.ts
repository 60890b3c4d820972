/**
 * The README's examples, and after them those of the guides to the API and to live events, pasted in their order into one
 * shell beside the running demo: every `sh` block must succeed, and what it prints last must have the shape of the `json`
 * block below it. Only the port and the path of the socket are put in place of those printed.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { freePort } from '../../scripts/peers/free-port.ts';
import { missingPrograms } from '../../scripts/peers/peers.ts';
import { freeUdpPort } from '../support/knxd.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGES = ['README.md', 'docs/guides/using-the-api.md', 'docs/guides/live-events.md'];
const BLOCK = /^```(\S+)\n([\s\S]*?)^```$/gm;
/** Keys whose values are the same in every run. */
const LITERAL = new Set(
  'code message field hint name slug eventType action state status isVirtual isGateway isVirtualData demoActive frequency online hostname ison'.split(
    ' ',
  ),
);
/** What differs from run to run inside a text: an id in quotes. */
const VARYING = /"[\w-]{9}"/g;

interface Block {
  language: string;
  text: string;
}
interface Example {
  script: string;
  /** What the last of its answers looks like; undefined where the page shows none. */
  shown: unknown;
}

function blocksOf(page: string): Block[] {
  return [...page.matchAll(BLOCK)].map(([, language = '', text = '']) => ({ language, text }));
}

function examplesOf(blocks: readonly Block[]): Example[] {
  const examples: Example[] = [];
  blocks.forEach(({ language, text }, index) => {
    if (language !== 'sh') return;
    const next = blocks[index + 1];
    const shown = next?.language === 'json' ? JSON.parse(next.text) : undefined;
    examples.push({ script: text, shown });
  });
  return examples;
}

/** Everything shown is there, of the same type; what is LITERAL is there as it stands. */
function assertShown(shown: unknown, real: unknown, at: string): void {
  if (Array.isArray(shown)) {
    assert.ok(Array.isArray(real), `${at} is no list`);
    shown.forEach((entry, index) => {
      assertShown(entry, real[index], `${at}[${index}]`);
    });
  } else if (typeof shown === 'object' && shown !== null) {
    assert.ok(typeof real === 'object' && real !== null, `${at} is no object`);
    if (Object.keys(shown).length === 0) assert.deepEqual(real, {}, at);
    for (const [key, value] of Object.entries(shown)) {
      const inner: unknown = (real as Record<string, unknown>)[key];
      if (LITERAL.has(key) && typeof value !== 'object') {
        assert.equal(
          String(inner).replace(VARYING, '"…"'),
          String(value).replace(VARYING, '"…"'),
          `${at}.${key}`,
        );
      } else assertShown(value, inner, `${at}.${key}`);
    }
  } else assert.equal(typeof real, typeof shown, at);
}

/** The processes below one, as the kernel knows them. */
function processesBelow(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  const children = existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : [];
  return children.flatMap((child) => [child, ...processesBelow(child)]);
}

/** One shell for all blocks: what one sets, the next may use. */
class Shell {
  readonly #bash: ChildProcess;
  #output = '';
  errors = '';

  constructor(cwd: string, dataFolder: string) {
    const env = {
      ...process.env,
      DATA_FOLDER: dataFolder,
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      no_proxy: '*',
    };
    this.#bash = spawn('bash', ['--norc', '--noprofile'], { cwd, env, stdio: 'pipe' });
    this.#bash.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk;
    });
    this.#bash.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk;
    });
  }

  /** Runs a block to its end. @returns what it printed */
  async run(script: string): Promise<string> {
    this.#output = '';
    this.errors = '';
    // a failure anywhere in a block counts, and a failure inside $(…) too
    this.#bash.stdin?.write(`failed=0; trap 'failed=$?' ERR\n${script}\nprintf '\\0%d\\0' $failed\n`);
    const [, printed = '', code] = await until(
      `this block ends:\n${script}`,
      () => /^([\s\S]*)\0(\d+)\0$/.exec(this.#output) ?? undefined,
    );
    assert.equal(Number(code), 0, `it failed with ${code}:\n${script}\n${printed}\n${this.errors}`);
    return printed;
  }

  end(): void {
    this.#bash.stdin?.end();
  }
}

/** The JSON texts in what a block printed, which curl does not part by line breaks. */
function answersIn(printed: string): unknown[] {
  return printed
    .replaceAll(/}(?={)/g, '}\n')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
}

describe('the README, and the guides to the API and to live events', function () {
  this.timeout(60_000);
  const pages = PAGES.map((page) => blocksOf(readFileSync(join(ROOT, page), 'utf8')));
  const examples = pages.flatMap(examplesOf);
  let folder: ReturnType<typeof tempFolder>;
  let port: number;
  let demo: ChildProcess;
  let ended: Promise<number | null>;
  let printed = '';
  let shell: Shell;

  before(async () => {
    assert.equal(spawnSync('curl', ['--version']).status, 0, 'curl is needed here: apt-get install curl');
    folder = tempFolder();
    port = await freePort();
    demo = spawn(process.execPath, ['scripts/demo.ts'], {
      cwd: ROOT,
      env: {
        ...process.env,
        CONFIG_FOLDER: join(folder.path, 'config'),
        DATA_FOLDER: join(folder.path, 'data'),
        PORT: String(port),
        BIND: '127.0.0.1',
        LOCAL_BROKER_PORT: '0',
        SIMULATED_KNX_PORT: String(await freeUdpPort()),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    ended = new Promise((done) => demo.once('exit', done));
    for (const stream of [demo.stdout, demo.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        printed += chunk;
      });
    }
    shell = new Shell(ROOT, join(folder.path, 'data'));
    await until(
      'the demo shows a reading of the plug',
      () => {
        if (demo.exitCode !== null) throw new Error(`the demo ended: ${printed}`);
        return /\n {2}\S+Z {2}Demo plug/.test(printed);
      },
      60_000,
    );
  });

  after(() => {
    shell?.end();
    demo?.kill('SIGTERM');
    return Promise.resolve(ended).finally(() => folder?.remove());
  });

  function asRunHere(script: string): string {
    return script
      .replaceAll('data/gate.sock', join(folder.path, 'data', 'gate.sock'))
      .replaceAll('localhost:1234', `localhost:${port}`);
  }

  it('shows what the demo prints', () => {
    const shown = pages.flat().find(({ text }) => text.startsWith('gate is up.'))?.text ?? '';
    for (const line of shown.split('\n').filter((each) => each !== '')) {
      const start = line.match(/^ *(API|socket\.io|all rights curl|the plug) +|^[\w ]+$/)?.[0];
      const name = line.match(/Demo \w+ +(virtual|HTTP, simulated)?/)?.[0];
      assert.ok(printed.includes(start ?? name ?? line), `the demo does not print: ${line}`);
    }
  });

  examples.forEach(({ script, shown }, index) => {
    it(`block ${index + 1} works: ${script.split('\n')[0]?.slice(0, 90)}`, async () => {
      const attempt = async () => {
        const answers = answersIn(await shell.run(asRunHere(script)));
        if (shown !== undefined) assertShown(shown, answers.at(-1), 'the answer');
        return true;
      };
      // a person takes a moment between two blocks: a question is asked again until its answer has come about
      if (/^curl -s "?http:/.test(script)) await until('the answer is the one shown', attempt);
      else await attempt();
    });
  });

  it('is about a demo that leaves nothing behind', async () => {
    const processes = [demo.pid as number, ...processesBelow(demo.pid as number)];
    // with knxd there is its bus, and the add-on that speaks to it
    const knx = missingPrograms('knxd').length === 0 ? 2 : 0;
    const what = 'the demo, the daemon, three add-ons, and KNX where it is';
    if (existsSync('/proc')) assert.equal(processes.length, 5 + knx, what);
    demo.kill('SIGTERM');
    assert.equal(await ended, 0);
    for (const pid of processes) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    assert.equal(existsSync(join(folder.path, 'data', 'gate.sock')), false);
  });
});
