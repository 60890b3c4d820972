/**
 * docs/guides/writing-an-addon.md, followed to the letter beside the real daemon, in a folder where nothing of this
 * project is found: the SDK comes as the package that the guide makes. Each `sh` block runs in a shell of its own, and
 * takes the variables of those before it; a `json` block below it shows what it answers, at least.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Daemon } from '../support/daemon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BLOCK = /^```(\S+)(?: file=(\S+))?\n([\s\S]*?)^```$/gm;
const GUIDE = readFileSync(join(ROOT, 'docs/guides/writing-an-addon.md'), 'utf8');
/** Values that differ from run to run. */
const VARYING = new Set(['brokerUrl', 'token', 'eyes', 'totalItems']);

const blocks = [...GUIDE.matchAll(BLOCK)].map(([, language, file, text = '']) => ({ language, file, text }));

function assertShown(shown: unknown, real: unknown, at: string): void {
  if (Array.isArray(shown)) {
    assert.ok(Array.isArray(real), `${at} is no list: ${JSON.stringify(real)}`);
    assert.equal(real.length, shown.length, at);
    shown.forEach((entry, index) => {
      assertShown(entry, real[index], `${at}[${index}]`);
    });
  } else if (typeof shown === 'object' && shown !== null) {
    assert.ok(typeof real === 'object' && real !== null, `${at} is no object`);
    for (const [key, value] of Object.entries(shown)) {
      const inner: unknown = (real as Record<string, unknown>)[key];
      if (VARYING.has(key)) assert.equal(typeof inner, typeof value, `${at}.${key}`);
      else assertShown(value, inner, `${at}.${key}`);
    }
  } else assert.equal(real, shown, at);
}

describe('the guide to writing an add-on', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon;
  let script: string;

  before(async () => {
    folder = tempFolder();
    daemon = await Daemon.start({ dataFolder: join(folder.path, 'data') });
    script = join(folder.path, 'variables');
    writeFileSync(script, '');
  });
  after(async () => {
    assert.equal(await daemon.stop(), 0);
    folder.remove();
  });

  /** @returns what the block printed */
  async function run(text: string): Promise<string> {
    const bash = spawn(
      'bash',
      [
        '-e',
        '-o',
        'pipefail',
        '-c',
        `. ./variables\n${text}\ndeclare -p DIE RESULT > variables 2>&- || true`,
      ],
      {
        cwd: folder.path,
        env: {
          ...process.env,
          GATE: ROOT,
          PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
          no_proxy: '*',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 100_000,
      },
    );
    let [printed, errors] = ['', ''];
    bash.stdout.on('data', (chunk: Buffer) => {
      printed += chunk;
    });
    bash.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    const [code] = await once(bash, 'close');
    assert.equal(code, 0, `${text}\n${printed}\n${errors}`);
    return printed;
  }

  blocks.forEach(({ language, file, text }, index) => {
    if (file !== undefined) {
      it(`has a file ${file}`, () => {
        const path = join(folder.path, 'data', file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
      });
    }
    if (language !== 'sh') return;
    const next = blocks[index + 1];
    const shown = next?.language === 'json' && next.file === undefined ? JSON.parse(next.text) : undefined;
    it(`has a step that works: ${text.split('\n')[0]?.slice(0, 100)}`, async () => {
      const attempt = async () => {
        const printed = await run(text);
        if (shown !== undefined) assertShown(shown, JSON.parse(printed), 'the answer');
        return true;
      };
      // a person takes a moment between two steps: a question is asked again until its answer has come about
      if (/^curl -s --unix-socket \S+ "?http:\S+$/.test(text.trim()))
        await until('the answer is the one shown', attempt);
      else await attempt();
    });
  });

  it('ends with the new version running', async () => {
    const found = await until('it is updated', async () => {
      const now = await daemon.api.get<{ status: string; state: string; version: string }>(
        '/device/v1/protocols/dice',
      );
      return now.status === 'installed' && now.state === 'running' && now;
    });
    assert.equal(found.version, '1.1.0');
    assert.equal(existsSync(join(folder.path, 'data/addons/dice/node_modules/@gate/addon-sdk')), true);
  });
});
