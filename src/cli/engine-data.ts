/**
 * What a gateway's protocols left with the container engine: containers, and volumes with their data. They carry the
 * gateway's id as a label. Asked for over the engine's own socket (Docker's API, which Podman speaks too).
 */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { GatewayError } from '../model/error.ts';

const LABEL = 'gate.gateway';
/** A container that does not end by itself is killed. */
const CALL_MS = 60_000;
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;
/** What is there no more, or is used by others still. */
const GONE = [204, 404];
const GONE_OR_USED = [...GONE, 403, 409];

/**
 * Removes them. Nothing where there is no engine.
 * @returns their names @throws GatewayError unavailable when the engine does not do it: then no file was erased yet
 */
export async function removeEngineData(socketPath: string, gatewayId: string): Promise<string[]> {
  if (!existsSync(socketPath)) return [];
  const filters = encodeURIComponent(JSON.stringify({ label: [`${LABEL}=${gatewayId}`] }));
  const list = async (path: string) =>
    (await call(socketPath, 'GET', `${path}filters=${filters}`, [200])).json;
  const remove = (path: string, fine: readonly number[]) => call(socketPath, 'DELETE', path, fine);
  const removed: string[] = [];
  for (const { Id, Names } of (await list('/containers/json?all=true&')) as Container[]) {
    await remove(`/containers/${Id}?force=true&v=true`, GONE);
    removed.push(`container ${(Names[0] ?? Id).replace(/^\//, '')}`);
  }
  const { Volumes } = (await list('/volumes?')) as { Volumes: Named[] | null };
  for (const { Name } of Volumes ?? []) {
    await remove(`/volumes/${encodeURIComponent(Name)}`, GONE);
    removed.push(`volume ${Name}`);
  }
  for (const { Name } of (await list('/networks?')) as Named[]) {
    await remove(`/networks/${encodeURIComponent(Name)}`, GONE_OR_USED);
  }
  return removed;
}

/** By hand: for whoever has to do without the engine just now. */
export function byHand(gatewayId: string): string {
  const label = `--filter label=${LABEL}=${gatewayId}`;
  return `docker rm -f $(docker ps -aq ${label}); docker volume rm $(docker volume ls -q ${label})`;
}

interface Container {
  Id: string;
  Names: string[];
}
interface Named {
  Name: string;
}

function call(
  socketPath: string,
  method: 'GET' | 'DELETE',
  path: string,
  fine: readonly number[],
): Promise<{ json: unknown }> {
  const failed = (why: string, cause?: unknown) =>
    new GatewayError('unavailable', `the container engine on ${socketPath} does not answer: ${why}`, {
      cause,
    });
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path, timeout: CALL_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_MAX_BYTES) answer.destroy(new Error('its answer is too large'));
      });
      answer.on('error', (error) => reject(failed(error.message, error)));
      answer.on('end', () => {
        const status = answer.statusCode ?? 0;
        if (!fine.includes(status))
          return reject(failed(`${method} ${path} was answered ${status}: ${text}`));
        resolve({ json: text === '' ? null : JSON.parse(text) });
      });
    });
    asked.on('timeout', () => asked.destroy(new Error(`nothing came for ${CALL_MS / 1_000} s`)));
    asked.on('error', (error) => reject(failed(error.message, error)));
    asked.end();
  });
}
