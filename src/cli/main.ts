#!/usr/bin/env node
/**
 * The `gate` command: asks the running daemon, and tells it what to do, through its own API. The process of its own, so
 * arguments, environment and exit codes are here.
 *
 * Exit codes: 0 done · 1 the gateway refused it, or is in trouble · 2 a wrong argument or setting · 3 no gateway that
 * could be asked.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { loadSettings } from '../config/load.ts';
import { GatewayError } from '../model/error.ts';
import { addBackupCommands } from './backup.ts';
import { addClientsCommand } from './clients.ts';
import { addCompletionCommand } from './completion.ts';
import { addControlCommands } from './control.ts';
import { addDevicesCommand } from './devices.ts';
import { addDoctorCommand } from './doctor.ts';
import { addFactoryResetCommand } from './factory-reset.ts';
import { GatewayClient, type Target } from './gateway-client.ts';
import { addLogsCommand } from './logs.ts';
import { NoGatewayError } from './no-gateway.ts';
import { addPairCommand } from './pair.ts';
import { addProtocolsCommand } from './protocols.ts';
import { addStatusCommand } from './status.ts';
import { harmless, processTerminal } from './terminal.ts';
import { addUpdateCommand } from './update.ts';
import { addWatchCommand } from './watch.ts';

const REFUSED = 1;
const WRONG_USE = 2;
const NO_GATEWAY = 3;

interface GlobalOptions {
  dataFolder?: string;
  url?: URL;
  token?: string;
  ca?: string;
  json?: true;
}

const program = new Command('gate')
  .description('asks the running gateway, and tells it what to do')
  .option('--data-folder <folder>', 'its DATA_FOLDER; where it is not given, as the settings have it')
  .addOption(new Option('--url <url>', 'another gateway: its address').env('GATE_URL').argParser(address))
  .addOption(new Option('--token <token>', 'an access token for it').env('GATE_TOKEN'))
  .addOption(
    new Option('--ca <file>', 'the certificate to trust, as PEM').env('GATE_CA').argParser(certificate),
  )
  .option('--json', 'print JSON')
  .version(ownVersion(), '--version', 'print the version of this command')
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(--help shows what there is)')
  .exitOverride();

const interrupted = new AbortController();
const terminal = processTerminal({
  json: () => program.opts<GlobalOptions>().json === true,
  signal: interrupted.signal,
});
const client = () => new GatewayClient(target());
const fail = () => {
  process.exitCode = REFUSED;
};
const tools = { client, terminal, fail };
addStatusCommand(program, tools);
addDevicesCommand(program, tools);
addPairCommand(program, tools);
addControlCommands(program, tools);
addWatchCommand(program, tools);
addProtocolsCommand(program, tools);
addLogsCommand(program, tools);
addClientsCommand(program, tools);
addDoctorCommand(program, {
  ...tools,
  box,
  settings: () => loadSettings(process.env),
  installFolder: () => loadSettings(process.env).INSTALL_FOLDER,
});
addUpdateCommand(program, { terminal, box, remote: () => program.opts<GlobalOptions>().url !== undefined });
addBackupCommands(program, { ...tools, box, version: ownVersion(), environment: process.env });
addFactoryResetCommand(program, { ...tools, box, settings: () => loadSettings(process.env) });
addCompletionCommand(program, terminal);

function ownVersion(): string {
  // src/cli/main.ts lies two folders below package.json, dist/src/cli/main.js too, with one of its own
  const file = new URL('../../package.json', import.meta.url);
  return String(JSON.parse(readFileSync(file, 'utf8')).version);
}

/** @throws GatewayError badSetting */
function target(): Target {
  const { url, token, ca } = program.opts<GlobalOptions>();
  return url === undefined ? { socketPath: join(box().dataFolder, 'gate.sock') } : { url, token, ca };
}

/** @throws GatewayError badSetting */
function box() {
  const { dataFolder } = program.opts<GlobalOptions>();
  const settings = loadSettings(process.env);
  return {
    dataFolder: resolve(dataFolder ?? settings.DATA_FOLDER),
    configFolder: resolve(settings.CONFIG_FOLDER),
  };
}

function address(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url;
  throw new InvalidArgumentError('It must be an address such as https://192.168.1.20:1234.');
}

function certificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidArgumentError(`It cannot be read: ${(error as Error).message}.`);
  }
}

// the second one ends it whatever it does
process.once('SIGINT', () => {
  terminal.progress(undefined);
  interrupted.abort();
});
// a reader that has enough, such as `head`, is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  // commander has said what is wrong, or shown its help
  if (error instanceof CommanderError && !(error instanceof InvalidArgumentError))
    return error.exitCode === 0 ? 0 : WRONG_USE;
  const known = error instanceof GatewayError;
  const words =
    known || error instanceof InvalidArgumentError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`${terminal.json() ? errorJson(error, words) : errorText(error, words)}\n`);
  if (error instanceof InvalidArgumentError) return WRONG_USE;
  if (error instanceof NoGatewayError) return NO_GATEWAY;
  return known && error.code === 'badSetting' ? WRONG_USE : REFUSED;
}

function errorText(error: unknown, words: string): string {
  const hint = error instanceof GatewayError ? error.hint : undefined;
  const prefix = styleText('red', 'gate:', { stream: process.stderr });
  return `${prefix} ${harmless(words)}${hint ? `. Next: ${harmless(hint)}` : ''}`;
}

/** As the API has its errors. */
function errorJson(error: unknown, message: string): string {
  if (!(error instanceof GatewayError)) {
    const code = error instanceof InvalidArgumentError ? 'badSetting' : 'internal';
    return JSON.stringify({ message, code });
  }
  return JSON.stringify({ message, code: error.code, ...(error.hint ? { hint: error.hint } : {}) });
}
