/**
 * Runs a command of the published documents as it is printed, by curl itself. Only the base URL, the ids and the token
 * are put in place of those printed; line breaks that the page has for its readers are taken out.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Every address that the documents print. */
const BASE_URL = /https?:\/\/(?:yourProjectName\.instathings\.io|YourGatewayIpAddress:PORT|localhost:\d+)/g;
/** Both tokens that the documents print. */
const TOKEN = /abc\.def\.ghi|\bJWT\b/g;

export interface Places {
  url: string;
  token?: string | undefined;
  /** `:deviceId` and what stands for it, and so on. */
  ids?: Record<string, string>;
}

export interface CurlAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

export async function curl(printed: string, { url, token = '', ids = {} }: Places): Promise<CurlAnswer> {
  let command = printed.trim().replaceAll(/\s*\\?\n\s*/g, ' ');
  command = command.replaceAll(BASE_URL, url).replaceAll(TOKEN, token);
  for (const [name, id] of Object.entries(ids)) command = command.replaceAll(name, id);
  const output = await run(`${command} --silent --show-error --include --max-time 30 --noproxy '*'`);
  const [head = '', ...rest] = output.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const text = rest.join('\r\n\r\n');
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text,
  };
}

async function run(command: string): Promise<string> {
  const shell = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  let errors = '';
  shell.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  shell.stderr.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  const [code] = await once(shell, 'close');
  if (code !== 0) throw new Error(`it ended with ${code}: ${command}\n${errors}`);
  return Buffer.concat(chunks).toString();
}
