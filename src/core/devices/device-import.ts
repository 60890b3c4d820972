/**
 * Devices of one protocol made in one go, out of what somebody else knows of them, such as a project of ETS. Each is
 * known by its key: the same list given again makes none twice, changes what has changed, and goes on where it was cut
 * off. What is new or changed is paired in the background, a few at a time.
 */
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { withDeadline } from '../../lib/deadline.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import type { Device } from '../../model/device.ts';
import { GatewayError, type Reason, reasonOf } from '../../model/error.ts';
import { parseWith } from '../../model/parse.ts';
import type { GatewayEventBus } from '../events.ts';
import type { Protocols } from '../protocols/protocols.ts';
import { type Devices, newDeviceSchema } from './devices.ts';
import { INTERVIEW_TIMEOUT_MS, JOIN_TIMEOUT_MS, type Pairing } from './pairing.ts';
import type { TypeCatalogue } from './type-catalogue.ts';

/** Devices of one call. */
export const IMPORTED_DEVICES_MAX = 1_000;
export const IMPORT_KEY_MAX_CHARS = 200;
const WAITING_LISTS_MAX = 10;
const PAIRINGS_AT_ONCE = 4;
/** A pairing ends by itself before; only a store that takes nothing any more keeps it from saying so. */
const PAIRING_ENDS_MS = JOIN_TIMEOUT_MS + INTERVIEW_TIMEOUT_MS + 30_000;

const KEY = `must be a text of 1 to ${IMPORT_KEY_MAX_CHARS} characters`;
const { name, parameters } = newDeviceSchema.entries;
export const deviceImportSchema = v.object({
  devices: v.pipe(
    v.array(
      v.object({
        key: v.pipe(
          v.string(KEY),
          v.minLength(1, KEY),
          v.maxLength(IMPORT_KEY_MAX_CHARS, KEY),
          v.description('What it is known by when it is imported again'),
        ),
        name,
        type: v.string('must be the id of a device type of this protocol'),
        parameters,
      }),
      'must be a list of devices',
    ),
    v.maxLength(IMPORTED_DEVICES_MAX, `must be at most ${IMPORTED_DEVICES_MAX} devices`),
  ),
  pair: v.optional(
    v.pipe(v.boolean('must be true or false'), v.description('Pair what is new, changed, or not paired yet')),
    true,
  ),
});
type Wanted = v.InferOutput<typeof deviceImportSchema>['devices'][number];

export const IMPORT_OUTCOMES = ['created', 'changed', 'unchanged', 'refused'] as const;

export interface ImportedDevice {
  key: string;
  outcome: (typeof IMPORT_OUTCOMES)[number];
  /** Of one that is there. */
  deviceId?: string;
  /** Why it was refused. */
  reason?: Reason;
}

export interface DeviceImportParts {
  protocols: Protocols;
  devices: Devices;
  types: TypeCatalogue;
  pairing: Pairing;
  events: GatewayEventBus;
}

export class DeviceImport {
  readonly #parts: DeviceImportParts;
  readonly #lists = new SerialQueue(WAITING_LISTS_MAX);
  readonly #toPair = new Set<string>();
  #pairing = 0;
  #stopped = false;

  constructor(parts: DeviceImportParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stopped = true;
    this.#toPair.clear();
  }

  /** One answer for each device, in their order. @throws GatewayError notFound, conflict (not installed), badRequest, storeFailed */
  async put(protocolId: string, input: unknown): Promise<ImportedDevice[]> {
    const { slug } = this.#parts.protocols.installed(protocolId).manifest;
    const { devices: wanted, pair } = parseWith(deviceImportSchema, input, 'import');
    demandOneOfEach(wanted);
    // one list at a time, or two that come together would make a device twice
    const answers = await this.#lists.run(async () => {
      const done: ImportedDevice[] = [];
      for (const each of wanted) done.push(await this.#putOne(slug, each));
      return done;
    });
    if (pair) this.#pairAll(answers);
    return answers;
  }

  async #putOne(slug: string, wanted: Wanted): Promise<ImportedDevice> {
    const { key, ...device } = wanted;
    const { devices, types } = this.#parts;
    try {
      const type = await types.get(device.type);
      if (type.protocol !== slug) {
        throw new GatewayError('badRequest', `the type "${device.type}" is not one of protocol "${slug}"`);
      }
      const known = devices.subDevices().find((each) => each.protocol === slug && each.importKey === key);
      if (known === undefined) {
        const { id } = await devices.create(device, { importKey: key });
        return { key, outcome: 'created', deviceId: id };
      }
      if (known.type !== device.type) {
        throw new GatewayError(
          'conflict',
          `device "${known.id}" was imported as "${key}" with another type`,
          {
            hint: 'delete it first',
          },
        );
      }
      const checked = await types.checkParameters(device.type, device.parameters);
      if (isDeepStrictEqual(checked, known.parameters))
        return { key, outcome: 'unchanged', deviceId: known.id };
      await devices.replaceParameters(known.id, device.parameters);
      return { key, outcome: 'changed', deviceId: known.id };
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code === 'storeFailed') throw error;
      return { key, outcome: 'refused', reason: reasonOf(error) };
    }
  }

  #pairAll(answers: readonly ImportedDevice[]): void {
    for (const { deviceId, outcome } of answers) {
      if (deviceId === undefined) continue;
      if (outcome !== 'unchanged' || !isPaired(this.#parts.devices.find(deviceId)))
        this.#toPair.add(deviceId);
    }
    while (this.#pairing < PAIRINGS_AT_ONCE && this.#toPair.size > 0) {
      this.#pairing += 1;
      void this.#pairWaiting().finally(() => {
        this.#pairing -= 1;
      });
    }
  }

  async #pairWaiting(): Promise<void> {
    for (const deviceId of this.#toPair) {
      this.#toPair.delete(deviceId);
      if (this.#stopped) return;
      // its status says what came of it
      await this.#pair(deviceId).catch(() => undefined);
    }
  }

  async #pair(deviceId: string): Promise<void> {
    const { pairing, events } = this.#parts;
    const ended = Promise.withResolvers<void>();
    const disposers = [
      events.on('devicePairingChanged', ({ device }) => {
        if (device.id === deviceId && device.status.eventType !== 'discovering') ended.resolve();
      }),
      events.on('deviceRemoved', ({ device }) => {
        if (device.id === deviceId) ended.resolve();
      }),
    ];
    try {
      await pairing.pair(deviceId);
      await withDeadline(ended.promise, PAIRING_ENDS_MS, `the pairing of ${deviceId}`);
    } finally {
      for (const dispose of disposers) dispose();
    }
  }
}

/** @throws GatewayError badRequest naming each that comes again */
function demandOneOfEach(wanted: readonly Wanted[]): void {
  const seen = new Set<string>();
  const errors = wanted.flatMap(({ key }, at) => {
    if (seen.has(key)) return [{ field: `devices.${at}.key`, message: 'another device of the list has it' }];
    seen.add(key);
    return [];
  });
  if (errors.length > 0)
    throw new GatewayError('badRequest', 'import: a key is given to two devices', { errors });
}

function isPaired(device: Device | undefined): boolean {
  return device?.status.eventType === 'paired';
}
