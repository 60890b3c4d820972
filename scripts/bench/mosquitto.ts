/** mosquitto, Debian's, on a free port of the loopback and in a folder of its own: the broker of what is measured beside ours. */
import { chmodSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { until } from '../../test/support/until.ts';
import { freePort } from '../peers/free-port.ts';
import { programPath } from '../peers/peers.ts';
import type { Scope } from './scope.ts';

export interface Mosquitto {
  url: string;
  pid: number;
}

/** @param settings further lines of its configuration, made for its folder */
export async function startMosquitto(
  scope: Scope,
  settings: (folder: string) => readonly string[] = () => [],
): Promise<Mosquitto> {
  const path = programPath('mosquitto');
  if (path === undefined) throw new Error('mosquitto is not installed: node scripts/peers.ts mosquitto');
  const port = await freePort();
  const folder = scope.folder();
  const file = join(folder, 'mosquitto.conf');
  // without nodelay, latencies read some 20 ms too high
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'set_tcp_nodelay true',
    ...settings(folder),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  // it drops root before it is up
  chmodSync(folder, 0o755);
  const { pid = 0 } = scope.program(path, ['-c', file]);
  await until('mosquitto listens', () => takesConnections(port));
  return { url: `mqtt://127.0.0.1:${port}`, pid };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
