/** Every version of every file that a git repository has ever had, and the words of its commits: what was removed is still there. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { secretsIn, TEXT_MAX_BYTES, textOf } from './secrets-in.ts';

const LIST_MAX_BYTES = 256 * 1024 * 1024;
const HEADER = /^([0-9a-f]+) (\w+)(?: (\d+))?$/;
const NEWLINE = 0x0a;

export interface HistoryScan {
  /** Texts that were looked at. */
  texts: number;
  secrets: string[];
}

/** @throws Error where git cannot tell */
export async function secretsInHistory(folder: string): Promise<HistoryScan> {
  const found: HistoryScan = { texts: 0, secrets: [] };
  const look = async (path: string, bytes: Buffer) => {
    const text = textOf(bytes);
    if (text === undefined) return;
    found.texts += 1;
    found.secrets.push(...(await secretsIn(path, text)));
  };
  for (const line of git(folder, ['log', '--all', '--format=%H %B%x00']).split('\0')) {
    const words = line.trim();
    if (words !== '') await look(`the words of commit ${words.slice(0, 12)}`, Buffer.from(words));
  }
  // the same content lies under one name
  const paths = new Map(
    git(folder, ['rev-list', '--objects', '--all'])
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const)
      .filter(([id, path]) => id !== '' && path !== ''),
  );
  for await (const { id, bytes } of blobsOf(folder, [...paths.keys()]))
    await look(`${paths.get(id)} (${id.slice(0, 12)})`, bytes);
  return found;
}

function git(folder: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    input,
    maxBuffer: LIST_MAX_BYTES,
  });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

/** Contents of files, one after the other as git gives them; folders and what is too large are left out. */
async function* blobsOf(
  folder: string,
  ids: readonly string[],
): AsyncGenerator<{ id: string; bytes: Buffer }> {
  const sizes = git(folder, ['cat-file', '--batch-check'], `${ids.join('\n')}\n`);
  const wanted = sizes.split('\n').flatMap((line) => {
    const [, id = '', kind, size = ''] = HEADER.exec(line) ?? [];
    return kind === 'blob' && Number(size) <= TEXT_MAX_BYTES ? [id] : [];
  });
  const child = spawn('git', ['cat-file', '--batch'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  child.stdin.end(`${wanted.join('\n')}\n`);
  let waiting = Buffer.alloc(0);
  for await (const chunk of child.stdout) {
    waiting = Buffer.concat([waiting, chunk]);
    for (let next = firstOf(waiting); next !== undefined; next = firstOf(waiting)) {
      waiting = waiting.subarray(next.takes);
      yield next;
    }
  }
  const [code] = await ended;
  if (code !== 0 || waiting.length > 0) throw new Error(`git cat-file ended with ${code}`);
}

/** `<id> blob <size>`, a line end, the content, a line end: where all of it is there. */
function firstOf(bytes: Buffer): { id: string; bytes: Buffer; takes: number } | undefined {
  const end = bytes.indexOf(NEWLINE);
  if (end < 0) return undefined;
  const [, id = '', , size = ''] = HEADER.exec(bytes.toString('latin1', 0, end)) ?? [];
  const takes = end + 1 + Number(size) + 1;
  return bytes.length < takes ? undefined : { id, bytes: bytes.subarray(end + 1, takes - 1), takes };
}
