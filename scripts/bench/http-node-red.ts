/** Node-RED 5 with a flow that polls the same devices: an inject node for each, one http request node, a file of readings. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../peers/free-port.ts';
import { installNpmPeer, NPM_PEERS, npmPeerFolder } from '../peers/npm-peers.ts';
import type { Bench } from './benchmark.ts';

export const NODE_RED = `Node-RED ${NPM_PEERS['node-red']}`;

/** @returns its process id @throws where it cannot be installed */
export async function startNodeRed(
  { scope }: Bench,
  urls: readonly string[],
  intervalSeconds: number,
): Promise<number> {
  const trouble = installNpmPeer('node-red');
  if (trouble !== undefined) throw new Error(trouble);
  const folder = scope.folder();
  const flow = [
    { id: 'tab', type: 'tab', label: 'devices' },
    ...urls.map((url, at) => ({
      id: `i${at}`,
      type: 'inject',
      z: 'tab',
      props: [{ p: 'url', v: url, vt: 'str' }],
      repeat: String(intervalSeconds),
      once: true,
      // spread as a careful user would spread them
      onceDelay: 0.1 + (at * intervalSeconds) / urls.length,
      wires: [['request']],
    })),
    {
      id: 'request',
      type: 'http request',
      z: 'tab',
      method: 'GET',
      ret: 'obj',
      persist: true,
      url: '',
      wires: [['file']],
    },
    {
      id: 'file',
      type: 'file',
      z: 'tab',
      filename: join(folder, 'readings.jsonl'),
      filenameType: 'str',
      appendNewline: true,
      overwriteFile: 'false',
      wires: [[]],
    },
  ];
  mkdirSync(join(folder, 'user'), { recursive: true });
  writeFileSync(join(folder, 'flow.json'), JSON.stringify(flow));
  writeFileSync(
    join(folder, 'user/settings.js'),
    `module.exports = { flowFile: ${JSON.stringify(join(folder, 'flow.json'))}, uiHost: '127.0.0.1', ` +
      "telemetry: { enabled: false }, logging: { console: { level: 'warn' } } };\n",
  );
  const program = join(npmPeerFolder('node-red'), 'red.js');
  const args = [program, '--userDir', join(folder, 'user'), '--port', String(await freePort())];
  const { pid = 0 } = scope.spawn(args, { cwd: folder });
  return pid;
}
