/**
 * Whether a gateway would come up here with the settings that a backup has, as far as that can be known while another one
 * runs: what is refused now need not be mended by somebody who comes to the box.
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { GatewayError } from '../model/error.ts';
import { backupSettings } from './backup-settings.ts';
import { loadSettings } from './load.ts';
import type { Settings } from './settings.ts';
import { tlsSettings } from './tls-settings.ts';

/** Where add-ons are served. */
const BROKER_HOST = '127.0.0.1';

export interface RunningGateway {
  environment: Readonly<Record<string, string | undefined>>;
  dataFolder: string;
  settings: Settings;
  /** @throws GatewayError badSetting where these two files are no certificate and its key */
  loadCertificate: (files: { certificate: string; key: string }) => Promise<unknown>;
}

/**
 * @param config the folder of the settings, where it waits to take the place of the one in use
 * @throws GatewayError badSetting
 */
export async function demandUsableSettings(running: RunningGateway, config: string): Promise<void> {
  const settings = loadSettings({ ...running.environment, CONFIG_FOLDER: config });
  if (resolve(settings.DATA_FOLDER) !== running.dataFolder) {
    throw new GatewayError(
      'badSetting',
      `the settings in the backup have their data in ${settings.DATA_FOLDER}, not here`,
      { hint: 'restore it with the gate command, on a box that has this folder' },
    );
  }
  backupSettings(settings);
  const tls = tlsSettings(settings);
  if (tls.kind === 'given' && settings.ON_PREMISE_ENABLED) {
    const place = (path: string) => placeAfter(path, resolve(running.settings.CONFIG_FOLDER), config);
    await running.loadCertificate({ certificate: place(tls.certificate), key: place(tls.key) });
  }
  await demandPorts(settings, running.settings);
}

/** A file of the settings' own folder comes with it. */
function placeAfter(path: string, configFolder: string, config: string): string {
  const inside = relative(configFolder, resolve(path));
  const coming = join(config, inside);
  return !inside.startsWith('..') && existsSync(coming) ? coming : path;
}

/** This gateway gives up its own. @throws GatewayError badSetting */
async function demandPorts(settings: Settings, own: Settings): Promise<void> {
  const given = [own.LOCAL_BROKER_PORT, ...(own.ON_PREMISE_ENABLED ? [own.PORT] : [])];
  const wanted = [
    { name: 'LOCAL_BROKER_PORT', host: BROKER_HOST, port: settings.LOCAL_BROKER_PORT },
    ...(settings.ON_PREMISE_ENABLED ? [{ name: 'PORT', host: settings.BIND, port: settings.PORT }] : []),
  ];
  for (const { name, host, port } of wanted) {
    // of one that is given up at least the address is tried
    const cause = await reasonAgainst(host, given.includes(port) ? 0 : port);
    if (!cause) continue;
    const why = cause.code === 'EADDRINUSE' ? 'another program has it' : cause.message;
    throw new GatewayError(
      'badSetting',
      `the settings in the backup have ${name} ${port} at ${host}, which cannot be had here: ${why}`,
      {
        hint: 'free it; or restore with the gate command, and change the settings before gate is started',
        cause,
      },
    );
  }
}

/** Why nothing can listen there; undefined where it can. */
function reasonAgainst(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', resolve);
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}
