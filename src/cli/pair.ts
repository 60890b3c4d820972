/** `gate pair`: a device that is there, or a new one; each step as it happens, and the reason when it fails. */
import { type Command, InvalidArgumentError } from 'commander';
import { GatewayError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import { assignmentsIn } from './assignments.ts';
import type { GatewayEvent } from './event-stream.ts';
import type { GatewayClient } from './gateway-client.ts';
import { DEVICES, type ListedDevice, namedDevice } from './named-device.ts';
import { show, span, type Terminal } from './terminal.ts';

/** What the gateway gives a pairing at most: something joins, and its interview. */
const PAIRING_TIMEOUT_MS = (254 + 180 + 15) * 1_000;

interface PairOptions {
  type?: string;
  name?: string;
  parameter: string[];
  seconds?: number;
}

const STEPS: Record<string, string> = {
  joined: 'something has joined',
  interviewing: 'it is asked what it is and what it can do',
  configuring: 'it is told what to report',
  configured: 'it is configured',
};

export function addPairCommand(
  program: Command,
  { client, terminal }: { client: () => GatewayClient; terminal: Terminal },
): void {
  program
    .command('pair')
    .description('pair a device: one that is there, or with --type a new one')
    .argument('[device]', 'its id or name')
    .option('--type <type>', 'make a new device of this type first: an id of /types, or a model')
    .option('--name <name>', 'what the new device is called, 1 to 20 characters')
    .option('--parameter <name=value>', 'one of its parameters; may be given again', gathered, [])
    .option('--seconds <seconds>', 'how long something may take to join, 1 to 254', wholeSeconds)
    .action(async (named: string | undefined, options: PairOptions) => {
      const gateway = client();
      const device =
        named === undefined ? await newDevice(gateway, options) : await namedDevice(gateway, named);
      await pair(gateway, terminal, { device, seconds: options.seconds });
    });
}

async function pair(
  gateway: GatewayClient,
  terminal: Terminal,
  { device, seconds }: { device: Pick<ListedDevice, 'id' | 'name'>; seconds: number | undefined },
): Promise<void> {
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, terminal.signal, AbortSignal.timeout(PAIRING_TIMEOUT_MS)]);
  // heard from before it begins: the first step may come at once
  const events = await gateway.events({ kinds: 'pairing', devices: [device.id], signal });
  try {
    const body: JsonObject = seconds === undefined ? {} : { joinSeconds: seconds };
    await gateway.call({ method: 'POST', path: `${DEVICES}/${encodeURIComponent(device.id)}/pair`, body });
    terminal.say(`${device.name} (${device.id}) is looked for: put it into pairing mode now`);
    const clock = new WaitingLine(terminal);
    done.signal.addEventListener('abort', () => clock.end());
    for await (const event of events) {
      if (!ended(event)) {
        const step = String(event.payload['step'] ?? '');
        if (STEPS[step]) {
          terminal.say(`  ${STEPS[step]}`);
          clock.goOn(step);
        }
        continue;
      }
      clock.end();
      const paired = await gateway.get<ListedDevice>(`${DEVICES}/${encodeURIComponent(device.id)}`);
      if (event.action === 'not_paired') throw failureOf(paired);
      show(terminal, paired, () => `${device.name} is paired: ${JSON.stringify(paired.address ?? {})}`);
      return;
    }
  } finally {
    done.abort();
  }
  if (terminal.signal.aborted) {
    await gateway.call({ method: 'DELETE', path: `${DEVICES}/${encodeURIComponent(device.id)}/pair` });
    throw new GatewayError('deviceTimeout', 'the pairing was cancelled');
  }
  throw new GatewayError('deviceTimeout', 'the gateway did not say how the pairing ended', {
    hint: '"gate devices" shows how it stands',
  });
}

/** For whoever stands before the device: that it still waits, for what and for how long already. */
class WaitingLine {
  readonly #timer: NodeJS.Timeout;
  #what = 'nothing has joined yet';
  #since = Date.now();

  constructor(terminal: Terminal) {
    const show = () => terminal.progress(`  ${this.#what}: ${span(Date.now() - this.#since)}`);
    this.#timer = setInterval(show, 1_000);
    this.end = () => {
      clearInterval(this.#timer);
      terminal.progress(undefined);
    };
  }

  readonly end: () => void;

  goOn(step: string): void {
    this.#what = step;
    this.#since = Date.now();
  }
}

function ended({ action }: GatewayEvent): boolean {
  return action === 'paired' || action === 'not_paired';
}

function failureOf({ name, status }: ListedDevice): GatewayError {
  const { message = 'no reason was given', hint } = status.reason ?? {};
  return new GatewayError('deviceRefused', `${name} was not paired: ${message}`, hint ? { hint } : {});
}

async function newDevice(gateway: GatewayClient, { type, name, parameter }: PairOptions) {
  if (type === undefined || name === undefined) {
    throw new GatewayError('badSetting', 'which device? Name one, or give --type and --name of a new one');
  }
  const body = { name, type: await typeId(gateway, type), parameters: assignmentsIn(parameter) };
  const { body: made } = await gateway.call({ method: 'POST', path: DEVICES, body });
  return made as unknown as ListedDevice;
}

/** A type by its id or, where only one has it, by its model. @throws GatewayError notFound, badRequest */
async function typeId(gateway: GatewayClient, wanted: string): Promise<string> {
  const byId = await gateway.look(`/device/v1/types/${encodeURIComponent(wanted)}`);
  if (byId.status === 200) return wanted;
  const query = new URLSearchParams({ q: wanted, perPage: '100' });
  const listed = await gateway.get<{ id: string; model: string; manufacturer: string }[]>(
    `/device/v1/types?${query}`,
  );
  const found = listed.filter(({ model }) => model.toLowerCase() === wanted.toLowerCase());
  const [only, ...others] = found;
  if (only && others.length === 0) return only.id;
  const like = (found.length > 0 ? found : listed).slice(0, 5);
  const hint = like.map(({ id, manufacturer, model }) => `${manufacturer} ${model}: ${id}`).join('; ');
  if (found.length === 0) {
    throw new GatewayError('notFound', `no type has the id or the model "${wanted}"`, {
      hint: hint === '' ? 'look at /device/v1/types?q=' : `there is ${hint}`,
    });
  }
  throw new GatewayError('badRequest', `${found.length} types are the model "${wanted}"`, {
    hint: `name one by its id: ${hint}`,
  });
}

function gathered(word: string, before: string[]): string[] {
  return [...before, word];
}

/** @throws InvalidArgumentError */
export function wholeSeconds(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 254) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 254.');
}
