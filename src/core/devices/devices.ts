/**
 * The devices: the gateway itself and what hangs below it. Held in memory, every change on disk before it is
 * answered or told.
 */
import * as v from 'valibot';
import type { DeviceConfig } from '../../contract/messages.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import {
  type Availability,
  DEVICE_NAME_MAX_CHARS,
  DEVICE_ROOM_MAX_CHARS,
  type Device,
  type DeviceStatus,
  jsonObjectSchema,
  VIRTUAL_FREQUENCY_DEFAULT_SECONDS,
  VIRTUAL_FREQUENCY_MIN_SECONDS,
} from '../../model/device.ts';
import { GatewayError } from '../../model/error.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { parseWith } from '../../model/parse.ts';
import { relayRulesSchema } from '../../model/relay-rules.ts';
import type { GatewayEventBus } from '../events.ts';
import type { AvailabilityStore, Registry } from '../ports.ts';
import type { TypeCatalogue } from './type-catalogue.ts';

/** Most devices below one gateway: what the API lists in one answer and one add-on's config holds. */
export const DEVICES_MAX = 10_000;
const WAITING_CHANGES_MAX = 1_000;
/** Slug of the add-on that generates the readings of virtual devices. */
export const VIRTUAL_PROTOCOL = 'virtual';

const TRUTH = 'must be true or false';
const NAME = `must be a text of 1 to ${DEVICE_NAME_MAX_CHARS} characters`;
const FREQUENCY = `must be a whole number of seconds, at least ${VIRTUAL_FREQUENCY_MIN_SECONDS}`;
const name = v.pipe(v.string(NAME), v.trim(), v.minLength(1, NAME), v.maxLength(DEVICE_NAME_MAX_CHARS, NAME));
const ROOM = `must be a text of up to ${DEVICE_ROOM_MAX_CHARS} characters`;
const room = v.pipe(v.string(ROOM), v.trim(), v.maxLength(DEVICE_ROOM_MAX_CHARS, ROOM));
const frequency = v.pipe(
  v.number(FREQUENCY),
  v.integer(FREQUENCY),
  v.minValue(VIRTUAL_FREQUENCY_MIN_SECONDS, FREQUENCY),
  v.maxValue(86_400, 'must be at most 86400 seconds'),
);

/** What a device is created with. `type` may be left out for a virtual device. */
export const newDeviceSchema = v.object({
  name,
  type: v.optional(v.string('must be the id of a device type')),
  parameters: v.optional(jsonObjectSchema, {}),
  isVirtual: v.optional(v.boolean(TRUTH), false),
  demoActive: v.optional(v.boolean(TRUTH), false),
  frequency: v.optional(frequency),
  room: v.optional(room),
  /** Its pairing begins at once. */
  pair: v.optional(v.boolean(TRUTH), false),
});
export type NewDevice = v.InferOutput<typeof newDeviceSchema>;

/** What is decided of a new device by whom it comes from. */
export interface GivenOfDevice {
  /** Its id, and where its readings go: the cloud's to say. */
  id?: string | undefined;
  topic?: string | undefined;
  /** What it is known by when it is imported again. */
  importKey?: string | undefined;
}

/** What may be changed of a device; `parameters` are merged into those it has. */
export const devicePatchSchema = v.object({
  name: v.optional(name),
  frequency: v.optional(frequency),
  demoActive: v.optional(v.boolean(TRUTH)),
  parameters: v.optional(jsonObjectSchema),
  /** An empty text: none any more. */
  room: v.optional(room),
  /** Takes the place of the rules there were. */
  relay: v.optional(relayRulesSchema),
});
export type DevicePatch = v.InferOutput<typeof devicePatchSchema>;

export interface DevicesParts {
  registry: Registry;
  availability: AvailabilityStore;
  types: TypeCatalogue;
  events: GatewayEventBus;
  /** The gateway's own device id and project. */
  gatewayId: string;
  projectId: string;
  now: () => number;
  newId: () => string;
}

export class Devices {
  readonly #parts: DevicesParts;
  readonly #devices = new Map<string, Device>();
  readonly #changes = new SerialQueue(WAITING_CHANGES_MAX);

  constructor(parts: DevicesParts) {
    this.#parts = parts;
  }

  /** Reads the registry; at the first start it makes the gateway's own device. */
  async start(): Promise<void> {
    const { registry, gatewayId, projectId, now } = this.#parts;
    for (const device of registry.devices()) this.#devices.set(device.id, device);
    if (this.#devices.has(gatewayId)) return;
    await this.#save({
      id: gatewayId,
      projectId,
      ts: now(),
      name: 'gateway',
      isGateway: true,
      isVirtual: false,
      demoActive: false,
      parameters: {},
      status: { eventType: 'created', timestamp: now() },
    });
  }

  get gatewayId(): string {
    return this.#parts.gatewayId;
  }

  get projectId(): string {
    return this.#parts.projectId;
  }

  list(): Device[] {
    return [...this.#devices.values()];
  }

  /** The devices below the gateway. */
  subDevices(): Device[] {
    return this.list().filter((device) => !device.isGateway);
  }

  find(deviceId: string): Device | undefined {
    return this.#devices.get(deviceId);
  }

  /** @throws GatewayError notFound */
  get(deviceId: string): Device {
    const device = this.#devices.get(deviceId);
    if (!device)
      throw new GatewayError('notFound', `there is no device "${deviceId}"`, {
        hint: 'GET /device/v1/devices lists them',
      });
    return device;
  }

  availability(deviceId: string): Availability | undefined {
    return this.#parts.availability.all().get(deviceId);
  }

  /** @throws GatewayError badRequest naming each field that is wrong; conflict where `given.id` is taken */
  create(input: unknown, given: GivenOfDevice = {}): Promise<Device> {
    const wanted = parseWith(newDeviceSchema, input, 'device');
    return this.#changes.run(async () => {
      const { types, now, newId, projectId, gatewayId, events } = this.#parts;
      if (this.#devices.size > DEVICES_MAX) {
        throw new GatewayError('conflict', `this gateway has its ${DEVICES_MAX} devices already`, {
          hint: 'remove one first',
        });
      }
      if (given.id !== undefined && this.#devices.has(given.id))
        throw new GatewayError('conflict', `there is a device "${given.id}" already`);
      const type = wanted.type === undefined ? undefined : await types.get(wanted.type);
      if (!type && !wanted.isVirtual) {
        throw new GatewayError(
          'badRequest',
          'device: "type" is missing; only a virtual device may do without',
          {
            errors: [{ field: 'type', message: 'must be the id of an entry of /device/v1/types' }],
          },
        );
      }
      const isVirtual = wanted.isVirtual || type?.protocol === VIRTUAL_PROTOCOL;
      if (isVirtual && wanted.pair) {
        throw new GatewayError('badRequest', 'device: a virtual device needs no pairing', {
          errors: [{ field: 'pair', message: 'is not for a virtual device' }],
        });
      }
      const parameters =
        type && !isVirtual ? await types.checkParameters(type.id, wanted.parameters) : wanted.parameters;
      const device: Device = {
        id: given.id ?? newId(),
        projectId,
        ts: now(),
        name: wanted.name,
        isGateway: false,
        isVirtual,
        demoActive: isVirtual && wanted.demoActive,
        ...(isVirtual ? { frequency: wanted.frequency ?? VIRTUAL_FREQUENCY_DEFAULT_SECONDS } : {}),
        parentDevice: gatewayId,
        ...(type ? { type: type.id } : {}),
        protocol: isVirtual ? VIRTUAL_PROTOCOL : (type as { protocol: string }).protocol,
        parameters,
        ...(wanted.room ? { room: wanted.room } : {}),
        ...(given.importKey === undefined ? {} : { importKey: given.importKey }),
        status: { eventType: isVirtual ? 'paired' : 'created', timestamp: now() },
        ...(given.topic === undefined ? {} : { topic: given.topic }),
      };
      await this.#save(device);
      events.emit('deviceAdded', { device });
      return device;
    });
  }

  /** @throws GatewayError badRequest, notFound */
  patch(deviceId: string, input: unknown): Promise<Device> {
    const patch = parseWith(devicePatchSchema, input, 'device');
    return this.#change(deviceId, async (device) => {
      if (!device.isVirtual && (patch.frequency !== undefined || patch.demoActive !== undefined)) {
        throw new GatewayError(
          'badRequest',
          `device "${deviceId}" is not virtual: "frequency" and "demoActive" do not apply to it`,
        );
      }
      if (device.isGateway && patch.relay !== undefined)
        throw new GatewayError(
          'badRequest',
          'the gateway itself has no readings: "relay" does not apply to it',
          {
            hint: 'CLOUD_ENABLED=false relays no readings at all',
            errors: [{ field: 'relay', message: 'does not apply to the gateway' }],
          },
        );
      const merged: JsonObject = { ...device.parameters, ...patch.parameters };
      const check = patch.parameters && device.type !== undefined && !device.isVirtual;
      const { room: roomBefore, ...others } = device;
      const room = patch.room ?? roomBefore;
      return {
        ...others,
        ...(patch.name === undefined ? {} : { name: patch.name }),
        ...(room ? { room } : {}),
        ...(patch.frequency === undefined ? {} : { frequency: patch.frequency }),
        ...(patch.relay === undefined ? {} : { relay: patch.relay }),
        ...(patch.demoActive === undefined ? {} : { demoActive: patch.demoActive }),
        parameters: check ? await this.#parts.types.checkParameters(device.type as string, merged) : merged,
      };
    });
  }

  /** All of them at once. @throws GatewayError badRequest, notFound */
  replaceParameters(deviceId: string, parameters: JsonObject): Promise<Device> {
    return this.#change(deviceId, async (device) => ({
      ...device,
      parameters:
        device.type === undefined
          ? parameters
          : await this.#parts.types.checkParameters(device.type, parameters),
    }));
  }

  /** Notes where a pairing stands, and the address that it found. */
  async setStatus(
    deviceId: string,
    status: Omit<DeviceStatus, 'timestamp'>,
    address?: JsonValue,
  ): Promise<Device> {
    const device = await this.#change(deviceId, async (before) => ({
      ...before,
      status: { ...status, timestamp: this.#parts.now() },
      ...(address === undefined ? {} : { address }),
    }));
    this.#parts.events.emit('devicePairingChanged', { device });
    return device;
  }

  /** A paired device is somewhere else now. @throws GatewayError notFound */
  setAddress(deviceId: string, address: JsonValue): Promise<Device> {
    return this.#change(deviceId, async (device) => ({ ...device, address }));
  }

  /** The token of its webhook becomes another one. @throws GatewayError notFound */
  renewWebhook(deviceId: string): Promise<Device> {
    return this.#change(deviceId, async (device) => ({
      ...device,
      webhookRenewals: (device.webhookRenewals ?? 0) + 1,
    }));
  }

  /** Forgets a device and its readings. Unpairing it from its network is `pairing`'s part. */
  remove(deviceId: string): Promise<void> {
    return this.#changes.run(async () => {
      const device = this.get(deviceId);
      if (device.isGateway) throw new GatewayError('forbidden', 'the gateway itself cannot be deleted');
      await this.#parts.registry.removeDevice(deviceId);
      this.#devices.delete(deviceId);
      this.#parts.availability.remove(deviceId);
      this.#parts.events.emit('deviceRemoved', { device });
    });
  }

  /** An add-on says whether a device answers. @throws GatewayError badMessage when it is not this add-on's */
  reportAvailability(
    addon: string,
    deviceId: string,
    said: { online: boolean; reason?: string | undefined },
  ): void {
    if (this.find(deviceId)?.protocol !== addon) {
      throw new GatewayError('badMessage', `device "${deviceId}" does not belong to add-on "${addon}"`);
    }
    const before = this.availability(deviceId);
    if (before?.online === said.online && before.reason === said.reason) return;
    const since = before?.online === said.online ? before.since : this.#parts.now();
    this.#parts.availability.save(deviceId, { ...said, since });
    this.#parts.events.emit('availabilityChanged', { deviceId, ...said, ts: this.#parts.now() });
  }

  /** What the add-on of `slug` is told of its devices. Only those that have a pairing begun or done. */
  configOf(slug: string): DeviceConfig[] {
    return this.subDevices()
      .filter((device) => device.protocol === slug)
      .map((device) => ({
        id: device.id,
        type: device.type ?? null,
        parameters: device.isVirtual
          ? {
              ...device.parameters,
              demoActive: device.demoActive,
              frequency: device.frequency ?? VIRTUAL_FREQUENCY_DEFAULT_SECONDS,
            }
          : device.parameters,
        address: device.address ?? null,
      }));
  }

  #change(deviceId: string, make: (device: Device) => Promise<Device>): Promise<Device> {
    return this.#changes.run(async () => {
      const device = await make(this.get(deviceId));
      await this.#save(device);
      this.#parts.events.emit('deviceChanged', { device });
      return device;
    });
  }

  async #save(device: Device): Promise<void> {
    await this.#parts.registry.saveDevice(device);
    this.#devices.set(device.id, device);
  }
}
