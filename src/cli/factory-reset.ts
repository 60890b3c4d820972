/** `gate factory-reset`: what this box knows of its people and its secrets is erased; the program stays. */
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { ERASING } from '../backup/unfinished.ts';
import { GatewayError } from '../model/error.ts';
import type { Box } from './finding.ts';
import type { GatewayClient } from './gateway-client.ts';
import { refuseRunning } from './not-running.ts';
import { show, type Terminal } from './terminal.ts';

const WORD = 'erase';
const SETTINGS = '.env';
const ENGINE_SOCKET = '/var/run/docker.sock';

interface Tools {
  client: () => GatewayClient;
  terminal: Terminal;
  box: () => Box;
}

export function addFactoryResetCommand(program: Command, { client, terminal, box }: Tools): void {
  program
    .command('factory-reset')
    .description('erase devices, readings, clients, keys and certificates; gate must not run')
    .option('--yes', 'do not ask')
    .option('--keep-settings', 'the file .env of the settings stays')
    .action(async ({ yes, keepSettings }: { yes?: true; keepSettings?: true }) => {
      const { dataFolder, configFolder } = box();
      await refuseRunning(client());
      if (!existsSync(dataFolder)) {
        throw new GatewayError('notFound', `there is no folder ${dataFolder}`, {
          hint: 'name it with --data-folder or DATA_FOLDER',
        });
      }
      if (!yes) await confirm({ dataFolder, configFolder });
      const erased = await erase({ dataFolder, configFolder, keepSettings: keepSettings === true });
      show(
        terminal,
        { erased },
        () => `erased: ${erased.length} files and folders. gate begins anew when it is started`,
      );
      if (existsSync(ENGINE_SOCKET))
        terminal.say(
          'data of protocols that ran as containers lie in volumes of the engine: docker volume ls --filter label=gate.gateway',
        );
    });
}

/** @throws GatewayError badSetting */
async function confirm({ dataFolder, configFolder }: Box): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new GatewayError('badSetting', 'this cannot be undone, and there is no terminal to ask on', {
      hint: 'give --yes',
    });
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await lines.question(
      `everything in ${dataFolder} and the credentials in ${configFolder} will be erased. Type "${WORD}" to go on: `,
    );
    if (typed.trim() !== WORD) throw new GatewayError('badSetting', 'nothing was erased');
  } finally {
    lines.close();
  }
}

/** Interrupted, the daemon refuses to start until it was run to its end. @returns paths */
async function erase({
  dataFolder,
  configFolder,
  keepSettings,
}: Box & { keepSettings: boolean }): Promise<string[]> {
  const marker = join(dataFolder, ERASING);
  await mkdir(marker, { recursive: true, mode: 0o700 });
  await sync(dataFolder);
  const erased: string[] = [];
  const config = existsSync(configFolder) ? await readdir(configFolder) : [];
  const paths = [
    ...(await readdir(dataFolder)).filter((name) => name !== ERASING).map((name) => join(dataFolder, name)),
    ...config.filter((name) => !(keepSettings && name === SETTINGS)).map((name) => join(configFolder, name)),
  ].filter((path) => path !== configFolder);
  for (const path of paths) {
    await rm(path, { recursive: true, force: true });
    erased.push(path);
  }
  if (config.length > 0) await sync(configFolder);
  await sync(dataFolder);
  await rm(marker, { recursive: true });
  await sync(dataFolder);
  return erased;
}

async function sync(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
