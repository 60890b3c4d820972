/** `gate set` and `gate get`: a device is told, or asked, something. */
import { type Command, InvalidArgumentError } from 'commander';
import { GatewayError } from '../model/error.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import { assignmentsIn } from './assignments.ts';
import type { GatewayClient } from './gateway-client.ts';
import { DEVICES, namedDevice } from './named-device.ts';
import { show, type Terminal } from './terminal.ts';

const CONTROL = '/device/v1/control';
const WAIT_SECONDS = 20;
/** Beside what the device has: the answer's way. */
const MARGIN_MS = 5_000;

interface ControlOptions {
  path?: string;
  method: string;
  wait: number;
}

export function addControlCommands(
  program: Command,
  { client, terminal }: { client: () => GatewayClient; terminal: Terminal },
): void {
  const call = (command: Command) =>
    command
      .option('--path <path>', 'of an HTTP device: the path to call, with its query')
      .option('--method <method>', 'of an HTTP device: the method to call it with', 'GET')
      .option('--wait <seconds>', 'how long the device may take, 1 to 60', waitSeconds, WAIT_SECONDS);

  call(program.command('set'))
    .description('set a device, and wait until it has taken it')
    .argument('<device>', 'its id or name')
    .argument('[values...]', 'name=value, or one JSON object')
    .action(async (named: string, words: string[], options: ControlOptions) => {
      const gateway = client();
      const { id, name } = await namedDevice(gateway, named);
      await gateway.call({ method: 'POST', ...target(`${id}/set`, words, options) });
      show(terminal, {}, () => `${name} has taken it`);
    });

  call(program.command('get'))
    .description('ask a device itself, or with --last the gateway for its last reading')
    .argument('<device>', 'its id or name')
    .argument('[values...]', 'what is asked: name=value, or one JSON object')
    .option('--last', 'the last reading that is stored')
    .action(async (named: string, words: string[], options: ControlOptions & { last?: true }) => {
      const gateway = client();
      const { id, name } = await namedDevice(gateway, named);
      const value = options.last
        ? await lastReading(gateway, { id, name })
        : await ask(gateway, target(`${id}/status`, words, options), options.wait);
      terminal.print(JSON.stringify(value, undefined, terminal.json() ? undefined : 2));
    });
}

function target(path: string, words: readonly string[], { path: devicePath, method, wait }: ControlOptions) {
  const [before = '', query] = devicePath?.split('?') ?? [];
  return {
    path: `${CONTROL}/${path}${query === undefined ? '' : `?${query}`}`,
    body: assignmentsIn(words) as JsonObject,
    headers: {
      prefer: `wait=${wait}`,
      ...(devicePath === undefined ? {} : { 'instathings-path': before, 'instathings-method': method }),
    },
    timeoutMs: wait * 1_000 + MARGIN_MS,
  };
}

/** @throws GatewayError as the device, or the gateway, says it */
async function ask(
  gateway: GatewayClient,
  call: ReturnType<typeof target>,
  waitS: number,
): Promise<JsonValue> {
  const { location } = await gateway.call({ method: 'POST', ...call });
  return gateway.outcome(location as string, waitS * 1_000 + MARGIN_MS);
}

async function lastReading(
  gateway: GatewayClient,
  { id, name }: { id: string; name: string },
): Promise<JsonValue> {
  const path = `${DEVICES}/${encodeURIComponent(id)}/data?sort=-ts&perPage=1`;
  const { data } = await gateway.get<{ data: JsonValue[] }>(path);
  const [last] = data;
  if (last !== undefined) return last;
  throw new GatewayError('notFound', `${name} has no reading yet`);
}

function waitSeconds(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 60) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 60.');
}
