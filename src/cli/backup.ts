/** `gate backup` and `gate restore`: a gateway as one encrypted file, and back, on this box. */
import { mkdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { GatewayError } from '../model/error.ts';
import type { Box } from './finding.ts';
import type { GatewayClient } from './gateway-client.ts';
import { NoGatewayError } from './no-gateway.ts';
import { refuseRunning } from './not-running.ts';
import { passphraseFrom } from './passphrase.ts';
import { listProtocols, PROTOCOLS } from './protocol-list.ts';
import { show, type Terminal } from './terminal.ts';

const KEEP = 7;
/** Of an add-on that keeps something outside its folder: it is written into it. */
const ADDON_ACTION = 'createBackup';
/** An add-on asks its stick for what it holds. */
const ADDON_BACKUP_SECONDS = 60;

interface Tools {
  client: () => GatewayClient;
  terminal: Terminal;
  box: () => Box;
  version: string;
  environment: Record<string, string | undefined>;
}

interface BackupOptions {
  into?: string;
  keep: number;
  readings?: true;
  recipient?: string;
  passphraseFile?: string;
  progress?: true;
}

/** For the daemon, which runs this command: how far it is, a line of JSON each, before the result. */
const progressOption = () => new Option('--progress').hideHelp();
const progressTo =
  ({ terminal }: Tools) =>
  (progress: object) =>
    terminal.print(JSON.stringify({ progress }));

export function addBackupCommands(program: Command, tools: Tools): void {
  program
    .command('backup')
    .description('all of this gateway as one encrypted file, while it runs')
    .argument('[file]', 'where it shall lie')
    .option('--into <folder>', 'a folder instead: the file is named by its time, and the oldest go')
    .option('--keep <count>', 'with --into: how many stay', wholeCount, KEEP)
    .option('--readings', 'with the readings, which are most of it')
    .option('--recipient <age1…>', 'encrypt to this recipient of age, not to a passphrase')
    .option(
      '--passphrase-file <file>',
      'its first line is the passphrase; - reads it from the standard input',
    )
    .addOption(progressOption())
    .action((file: string | undefined, options: BackupOptions) => backup(tools, file, options));

  program
    .command('restore')
    .description('a gateway from its backup; gate must not run')
    .argument('<file>', 'the backup')
    .option('--identity <file>', 'the identity of age that opens it, where it is no passphrase')
    .option(
      '--passphrase-file <file>',
      'its first line is the passphrase; - reads it from the standard input',
    )
    .option('--replace', 'the gateway that is there is moved aside')
    .addOption(progressOption())
    // for the daemon: unpacked and checked into that folder, and nothing else
    .addOption(new Option('--stage <folder>').hideHelp())
    .action((file: string, options: RestoreOptions) => restore(tools, file, options));
}

async function backup(tools: Tools, file: string | undefined, options: BackupOptions): Promise<void> {
  const { into, keep, readings, recipient, passphraseFile } = options;
  if ((file === undefined) === (into === undefined)) {
    throw new GatewayError('badSetting', 'where to? Name a file, or a folder with --into');
  }
  const { terminal, version, environment } = tools;
  const { signal } = terminal;
  const seal =
    recipient === undefined
      ? { passphrase: await passphraseFrom({ file: passphraseFile, environment, isNew: true, signal }) }
      : { recipient };
  const { takeBackup } = await import('../backup/take-backup.ts');
  const { backupName, keepNewest } = await import('../backup/rotation.ts');
  if (into !== undefined) mkdirSync(into, { recursive: true, mode: 0o700 });
  const path = resolve(into === undefined ? (file as string) : join(into, backupName(Date.now())));
  await askAddons(tools);
  const box = tools.box();
  const { files, bytes, takenAt, ...rest } = await takeBackup({
    ...box,
    file: path,
    seal,
    readings: readings === true,
    version,
    now: Date.now,
    onProgress: options.progress && progressTo(tools),
  });
  const removed = into === undefined ? [] : await keepNewest(into, keep);
  const taken = { file: path, bytes, files: files.length, takenAt, readings: rest.readings, removed };
  show(terminal, taken, () => `${path}: ${files.length} files, ${bytes} bytes, encrypted`);
}

/** Those that keep something outside their folder, such as a Zigbee stick, write it down first. */
async function askAddons({ client, terminal }: Tools): Promise<void> {
  const gateway = client();
  try {
    for (const { id, slug, status, actions = {} } of await listProtocols(gateway)) {
      if (status !== 'installed' || !(ADDON_ACTION in actions)) continue;
      terminal.say(`  ${slug} writes down what its network needs`);
      await addonBackup(gateway, id).catch((error: Error) =>
        terminal.say(`  ${slug} could not: ${error.message}. What it wrote down before is in the backup`),
      );
    }
  } catch (error) {
    // a gateway that does not run is backed up as it lies there
    if (!(error instanceof NoGatewayError)) throw error;
  }
}

async function addonBackup(gateway: GatewayClient, protocolId: string): Promise<void> {
  const { location } = await gateway.call({
    method: 'POST',
    path: `${PROTOCOLS}/${encodeURIComponent(protocolId)}/actions/${ADDON_ACTION}`,
    body: {},
    headers: { prefer: `wait=${ADDON_BACKUP_SECONDS}` },
  });
  await gateway.outcome(location as string, ADDON_BACKUP_SECONDS * 1_000);
}

interface RestoreOptions {
  identity?: string;
  passphraseFile?: string;
  replace?: true;
  progress?: true;
  stage?: string;
}

async function restore(tools: Tools, file: string, options: RestoreOptions): Promise<void> {
  const { client, terminal, box, environment } = tools;
  const { identity, passphraseFile, replace } = options;
  if (options.stage === undefined) await refuseRunning(client());
  const key =
    identity === undefined
      ? {
          passphrase: await passphraseFrom({
            file: passphraseFile,
            environment,
            isNew: false,
            signal: terminal.signal,
          }),
        }
      : { identity: identityIn(identity) };
  const { restoreBackup, stageBackup } = await import('../backup/restore-backup.ts');
  const onProgress = options.progress && progressTo(tools);
  if (options.stage !== undefined) {
    await mkdir(options.stage, { recursive: true, mode: 0o700 });
    const { version, takenAt, readings, files } = await stageBackup({ file, key, onProgress }, options.stage);
    terminal.print(JSON.stringify({ version, takenAt, readings, files: files.length }));
    return;
  }
  const where = box();
  const { version, takenAt, readings, files } = await restoreBackup({
    ...where,
    file: resolve(file),
    key,
    replace: replace === true,
    now: Date.now,
  });
  show(
    terminal,
    { version, takenAt, readings, files: files.length, ...where },
    () =>
      `restored what gate ${version} had on ${new Date(takenAt).toISOString()}, ${readings ? 'with' : 'without'} readings, to ${where.dataFolder}: start gate now`,
  );
}

/** A file as `age-keygen` makes it: comments, and one line. */
function identityIn(path: string): string {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    throw new GatewayError('badSetting', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const line = text.split(/\r?\n/).find((each) => each.startsWith('AGE-SECRET-KEY-'));
  if (line !== undefined) return line.trim();
  throw new GatewayError('badSetting', `${path} holds no identity of age`, {
    hint: 'its line begins with AGE-SECRET-KEY-1',
  });
}

function wholeCount(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 9999.');
}
