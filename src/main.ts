/**
 * The daemon's process: arguments, environment, signals, exit codes. The only file that touches `process`.
 *
 * Exit codes: 0 after SIGINT or SIGTERM, 1 when it could not start or broke, 2 for a bad argument.
 */
import { existsSync, readFileSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { usableDataFolder } from './config/data-folder.ts';
import { loadSettings } from './config/load.ts';
import { VARIABLES } from './config/settings.ts';
import { asError, leadsToJournal } from './lib/journal.ts';
import { LogRing } from './lib/log-ring.ts';
import { createLogger } from './lib/logger.ts';
import { GatewayError } from './model/error.ts';

// Node cuts small buffers out of slabs of 64 KB, and one that lives on holds its whole slab: under load that was 30 MB
Buffer.poolSize = 8 * 1024;

/** Everything that takes longer than this to stop is left behind. */
const STOP_DEADLINE_MS = 9_500;

/** After the start: what it needed is loaded then, and the add-ons have begun. */
const COMPILED_AFTER_MS = 5_000;

const here = dirname(fileURLToPath(import.meta.url));

function version(): string {
  // src/main.ts lies one folder below package.json, dist/src/main.js two
  const file = [join(here, '../package.json'), join(here, '../../package.json')].find((path) =>
    existsSync(path),
  );
  return file === undefined ? 'unknown' : String(JSON.parse(readFileSync(file, 'utf8')).version);
}

function usage(): string {
  const rows = Object.entries(VARIABLES).map(([name, variable]) => {
    const preset = 'default' in variable && variable.default ? ` (${variable.default})` : '';
    return `  ${name.padEnd(22)}${variable.meaning}${preset}`;
  });
  return [
    'gate: the on-premise IoT gateway',
    '',
    'Usage: gate [--help] [--version]',
    '',
    'Settings, from the environment or CONFIG_FOLDER/.env:',
    ...rows,
    '',
  ].join('\n');
}

/** One line that a person can act on. */
function fail(error: unknown, exitCode: number): never {
  const known = error instanceof GatewayError;
  const words =
    error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
  const line = `gate: ${words}${known && error.hint ? `. Next: ${error.hint}` : ''}\n`;
  process.stderr.write(leadsToJournal(process.env, 2) ? asError(line) : line);
  process.exit(exitCode);
}

function answeredByArguments(): boolean {
  let values: { help?: boolean | undefined; version?: boolean | undefined };
  try {
    ({ values } = parseArgs({ options: { help: { type: 'boolean' }, version: { type: 'boolean' } } }));
  } catch (error) {
    return fail(new GatewayError('badRequest', (error as Error).message), 2);
  }
  if (values.help) process.stdout.write(usage());
  if (values.version) process.stdout.write(`${version()}\n`);
  return values.help === true || values.version === true;
}

interface Ending {
  error?: GatewayError;
  restart?: boolean;
}

/** systemd starts a service again by itself; anywhere else the process becomes a new one of its own (execve(2)). */
function startAgain(): void {
  if (process.env['NOTIFY_SOCKET'] !== undefined) return;
  const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.(process.execPath, words, process.env);
}

async function run(): Promise<void> {
  let settings = loadSettings(process.env);
  const dataFolder = usableDataFolder(settings.DATA_FOLDER);
  // compiled code is kept beside the data: later starts are quicker and smaller, the children's too
  const cache = enableCompileCache(join(dataFolder, 'cache')).directory;
  if (cache) process.env['NODE_COMPILE_CACHE'] = cache;
  const { Gateway, finishRestore } = await import('./gateway/gateway.ts');
  // a backup that was ordered for this start has settings of its own
  if (await finishRestore({ dataFolder, configFolder: resolve(settings.CONFIG_FOLDER) }))
    settings = loadSettings(process.env);

  const ownLog = new LogRing();
  const logger = createLogger(settings.LOG_LEVEL, {
    ring: ownLog,
    name: 'gate',
    journal: leadsToJournal(process.env, 1),
  });
  const gateway = new Gateway({
    settings,
    dataFolder,
    version: version(),
    addonsFolder: join(here, '../addons'),
    architecture: process.arch,
    cliPath: join(here, `cli/main${extname(fileURLToPath(import.meta.url))}`),
    nodePath: process.execPath,
    environment: process.env,
    logger,
    ownLog,
    onRestart: () => void end(0, { restart: true }),
    onFault: (error) => void end(1, { error }),
  });
  let ending = false;
  const end = async (exitCode: number, { error, restart = false }: Ending = {}): Promise<void> => {
    if (ending) return;
    ending = true;
    if (error) logger.fatal({ code: error.code }, error.message);
    setTimeout(
      () => fail(new GatewayError('internal', `it did not stop within ${STOP_DEADLINE_MS} ms`), 1),
      STOP_DEADLINE_MS,
    ).unref();
    await gateway.stop();
    logger.info(restart ? 'stopped, to start again' : 'stopped');
    if (restart) startAgain();
    process.exit(exitCode);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      logger.info(`${signal}: stopping`);
      void end(0);
    });
  }
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'an uncaught error');
    void end(1);
  });

  const startedAt = performance.now();
  await gateway.start();
  const { address } = gateway;
  const where = address
    ? `the API answers at ${address.tls ? 'https' : 'http'}://${address.bind}:${address.port}`
    : 'the API answers on its Unix socket only';
  logger.info(
    { version: version(), startMs: Math.round(performance.now() - startedAt) },
    `gate is up: ${where}`,
  );
  // Node does it at an end in order: a gateway whose ends are power cuts would compile anew at each start
  setTimeout(flushCompileCache, COMPILED_AFTER_MS).unref();
}

if (!answeredByArguments()) await run().catch((error: unknown) => fail(error, 1));
