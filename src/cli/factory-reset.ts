/** `gate factory-reset`: what this box knows of its people and its secrets is erased; the program stays. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { engineSocket } from '../config/engine-socket.ts';
import type { Settings } from '../config/settings.ts';
import { GatewayError } from '../model/error.ts';
import { byHand, removeEngineData } from './engine-data.ts';
import type { Box } from './finding.ts';
import type { GatewayClient } from './gateway-client.ts';
import { refuseRunning } from './not-running.ts';
import { answerTo } from './question.ts';
import { show, type Terminal } from './terminal.ts';

const WORD = 'erase';

interface Tools {
  client: () => GatewayClient;
  terminal: Terminal;
  box: () => Box;
  settings: () => Settings;
}

interface ResetOptions {
  yes?: true;
  keepSettings?: true;
  keepVolumes?: true;
}

export function addFactoryResetCommand(program: Command, tools: Tools): void {
  program
    .command('factory-reset')
    .description('erase devices, readings, clients, keys and certificates; gate must not run')
    .option('--yes', 'do not ask')
    .option('--keep-settings', 'the file .env of the settings stays')
    .option('--keep-volumes', 'what protocols that ran as containers left with the engine stays')
    .action((options: ResetOptions) => factoryReset(tools, options));
}

async function factoryReset(
  { client, terminal, box, settings }: Tools,
  options: ResetOptions,
): Promise<void> {
  const { dataFolder, configFolder } = box();
  const { yes, keepSettings = false, keepVolumes } = options;
  await refuseRunning(client());
  if (!existsSync(dataFolder)) {
    throw new GatewayError('notFound', `there is no folder ${dataFolder}`, {
      hint: 'name it with --data-folder or DATA_FOLDER',
    });
  }
  if (!yes) await confirm({ dataFolder, configFolder }, terminal.signal);
  const { PARENT_DEVICE_ID, DOCKER_HOST, BACKUP_FOLDER, INSTALL_FOLDER } = settings();
  const { eraseGateway, keptGatewayId } = await import('../backup/erase.ts');
  const gatewayId = PARENT_DEVICE_ID ?? keptGatewayId(dataFolder);
  let ofEngine: string[] = [];
  const erased = await eraseGateway({
    dataFolder,
    configFolder,
    keepSettings,
    before: async () => {
      if (gatewayId === undefined || keepVolumes) return;
      ofEngine = await removeEngineData(engineSocket(DOCKER_HOST), gatewayId).catch((cause: Error) => {
        throw new GatewayError('unavailable', `nothing was erased: ${cause.message}`, {
          hint: `start the engine and run this as root; or give --keep-volumes, and later: ${byHand(gatewayId)}`,
          cause,
        });
      });
    },
  });
  const gone = [...ofEngine, ...erased];
  show(
    terminal,
    { erased: gone },
    () => `erased: ${gone.length} files, folders and volumes. gate begins anew when it is started`,
  );
  if (keepVolumes && gatewayId !== undefined)
    terminal.say(`containers and volumes stay: ${byHand(gatewayId)}`);
  if (BACKUP_FOLDER !== undefined && existsSync(BACKUP_FOLDER))
    terminal.say(`backups stay, encrypted, in ${BACKUP_FOLDER}`);
  if (INSTALL_FOLDER !== undefined)
    terminal.say('the journal keeps what was logged: journalctl --rotate --vacuum-time=1s');
}

/** @throws GatewayError badSetting */
async function confirm({ dataFolder, configFolder }: Box, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new GatewayError('badSetting', 'this cannot be undone, and there is no terminal to ask on', {
      hint: 'give --yes',
    });
  }
  const typed = await answerTo(
    `everything in ${dataFolder} and the credentials in ${configFolder} will be erased. Type "${WORD}" to go on: `,
    { signal },
  );
  if (typed.trim() !== WORD) throw new GatewayError('badSetting', 'nothing was erased');
}
