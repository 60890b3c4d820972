#!/usr/bin/env node
/**
 * The `gate` command: tells the running daemon what to do, through `gate.sock`. The process of its own, so arguments,
 * environment and exit codes are here.
 *
 * Exit codes: 0 done · 1 the gateway refused it · 2 a wrong argument or setting · 3 no gateway that could be asked.
 */
import { join, resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { loadSettings } from '../config/load.ts';
import { GatewayError } from '../model/error.ts';
import { addClientsCommand } from './clients.ts';
import { callLocally, NoGatewayError } from './local-call.ts';
import { addUpdateCommand } from './update.ts';

const REFUSED = 1;
const WRONG_USE = 2;
const NO_GATEWAY = 3;

const program = new Command('gate')
  .description('tells the running gateway what to do, through the Unix socket in its data folder')
  .option('--data-folder <folder>', 'its DATA_FOLDER; where it is not given, as the settings have it')
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(--help shows what there is)')
  .exitOverride();

addClientsCommand(program, {
  call: (call) => callLocally({ ...call, socketPath: socketPath() }),
  print: (text) => process.stdout.write(`${text}\n`),
});

addUpdateCommand(program, {
  dataFolder,
  print: (text) => process.stdout.write(`${text}\n`),
  tell: (text) => process.stderr.write(`${text}\n`),
});

/** @throws GatewayError badSetting */
function dataFolder(): string {
  const { dataFolder: given } = program.opts<{ dataFolder?: string }>();
  return resolve(given ?? loadSettings(process.env).DATA_FOLDER);
}

function socketPath(): string {
  return join(dataFolder(), 'gate.sock');
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  // commander has said what is wrong, or shown its help
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE;
  const known = error instanceof GatewayError;
  const words = known
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`gate: ${words}${known && error.hint ? `. Next: ${error.hint}` : ''}\n`);
  if (error instanceof NoGatewayError) return NO_GATEWAY;
  return known && error.code === 'badSetting' ? WRONG_USE : REFUSED;
}
