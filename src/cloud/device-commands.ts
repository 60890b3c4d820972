/** What the cloud asks of devices: create and pair, set, get, remove. Each is done whole, or refused with its reason. */
import { createHash } from 'node:crypto';
import { type Commands, HTTP_PROTOCOL } from '../core/commands.ts';
import { type Devices, VIRTUAL_PROTOCOL } from '../core/devices/devices.ts';
import type { Pairing } from '../core/devices/pairing.ts';
import type { TypeCatalogue } from '../core/devices/type-catalogue.ts';
import type { Device } from '../model/device.ts';
import { GatewayError, reasonOf } from '../model/error.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import { demandForeignHost } from './device-host.ts';
import { createDeviceSchema, type GetMessage, getSchema, messageOf, objectOf } from './messages.ts';
import type { CloudReports } from './reports.ts';
import type { CloudTopics } from './topics.ts';

/** Answers to `get` that are remembered, so that a repeated one is not asked again. */
const REQUESTS_REMEMBERED_MAX = 1_000;

export interface DeviceCommandsParts {
  devices: Devices;
  types: TypeCatalogue;
  pairing: Pairing;
  commands: Commands;
  reports: CloudReports;
  topics: CloudTopics;
}

/** How the message came. */
export interface Delivery {
  packetId: number | undefined;
  isRepeat: boolean;
}

export class DeviceCommands {
  readonly #parts: DeviceCommandsParts;
  /** `requestId`s that were taken, the oldest first. */
  readonly #requests = new Map<string, string>();

  constructor(parts: DeviceCommandsParts) {
    this.#parts = parts;
  }

  /** Its end is told as a report. @throws GatewayError badMessage where not even the device's id can be read */
  async create(value: JsonValue, demandInTime: (deadline?: number) => void): Promise<void> {
    const { reports, devices } = this.#parts;
    const { idIn } = objectOf(value);
    try {
      const message = messageOf(createDeviceSchema, value);
      demandInTime(message.deadline);
      const { topic } = message;
      const problem = topic === undefined ? undefined : this.#parts.topics.problemOf(topic);
      if (problem !== undefined) throw new GatewayError('badRequest', `"topic" ${problem}`);
      const there = devices.find(message.idIn);
      if (there) await this.#repeated(there, message);
      else await this.#create(message);
    } catch (error) {
      if (typeof idIn !== 'string' || !/^[\w-]{1,64}$/.test(idIn)) throw error;
      await reports.device(idIn, reasonOf(error));
      throw error;
    }
  }

  /** The device has taken it when this resolves. @throws GatewayError as `Commands.set` */
  async set(deviceId: string, value: JsonValue, { packetId, isRepeat }: Delivery): Promise<void> {
    const { commands } = this.#parts;
    const params = this.#params(deviceId, objectOf(value));
    const hash = createHash('sha256').update(JSON.stringify(value)).digest('base64url');
    const key = `cloud ${packetId} ${hash}`;
    // the broker repeats what it has heard no acknowledgement of: it may have been done
    if (!isRepeat) commands.releaseKey(key);
    await commands.setOnce(key, deviceId, params);
  }

  /** Its answer is told as a report. @throws GatewayError badMessage where nobody could be answered */
  async get(deviceId: string, value: JsonValue, demandInTime: (deadline?: number) => void): Promise<void> {
    const { commands, reports } = this.#parts;
    const message = messageOf(getSchema, value);
    const { requestId } = message;
    // asked already: its answer is on its way, or has been told
    if (this.#requests.get(requestId) === deviceId) return;
    this.#remember(requestId, deviceId);
    try {
      demandInTime(message.deadline);
      if (message.deviceId !== undefined && message.deviceId !== deviceId) {
        const words = `the message is for device "${message.deviceId}", its topic for "${deviceId}"`;
        throw new GatewayError('badRequest', words);
      }
      const payload = await commands.get(deviceId, this.#params(deviceId, callOf(message)));
      await reports.fetch({ deviceId, requestId }, { payload });
    } catch (error) {
      await reports.fetch({ deviceId, requestId }, { error });
    }
  }

  /** Told as `not_paired`. @throws GatewayError as `Pairing.remove` */
  async remove(deviceId: string): Promise<void> {
    const { pairing, reports, devices } = this.#parts;
    if (!devices.find(deviceId)) {
      // removed before: the cloud is told what it wants to hear
      await reports.notPaired(deviceId, { code: 'notFound', message: `there is no device "${deviceId}"` });
      return;
    }
    await pairing.remove(deviceId);
  }

  async #create({ idIn, name, deviceType, topic, parameters }: CreateMessage): Promise<void> {
    const { devices, types, pairing, reports } = this.#parts;
    const type = await types.get(deviceType);
    const isVirtual = type.protocol === VIRTUAL_PROTOCOL;
    if (!isVirtual) await demandForeignHost(parameters);
    const wanted = { name, type: deviceType, parameters, isVirtual, demoActive: isVirtual };
    const device = await devices.create(wanted, { id: idIn, ...(topic === undefined ? {} : { topic }) });
    if (device.isVirtual) {
      await reports.device(device.id);
      return;
    }
    try {
      await pairing.pair(device.id);
    } catch (error) {
      await devices.remove(device.id);
      throw error;
    }
  }

  /** The same device once more: where it stands is told, and one that was not found is looked for again. */
  async #repeated(device: Device, { deviceType, parameters, name }: CreateMessage): Promise<void> {
    const { devices, pairing, reports } = this.#parts;
    if (device.isGateway || device.type !== deviceType) {
      throw new GatewayError('conflict', `device "${device.id}" is here already, and of another type`);
    }
    const { eventType } = device.status;
    if (device.isVirtual || eventType === 'paired' || eventType === 'discovering') {
      await reports.device(device.id);
      return;
    }
    await demandForeignHost(parameters);
    await devices.patch(device.id, { name, parameters });
    await pairing.pair(device.id);
  }

  /** For HTTP devices a call, whose path their add-on checks; for others what it is. */
  #params(deviceId: string, given: JsonObject): JsonObject {
    const { devices } = this.#parts;
    if (devices.get(deviceId).protocol !== HTTP_PROTOCOL) return given;
    const { path, method, queryParams, body } = given;
    return Object.fromEntries(
      Object.entries({ path, method, queryParams, body }).filter(([, value]) => value !== undefined),
    ) as JsonObject;
  }

  #remember(requestId: string, deviceId: string): void {
    this.#requests.set(requestId, deviceId);
    if (this.#requests.size <= REQUESTS_REMEMBERED_MAX) return;
    const [oldest] = this.#requests.keys();
    if (oldest !== undefined) this.#requests.delete(oldest);
  }
}

interface CreateMessage {
  idIn: string;
  name: string;
  deviceType: string;
  topic?: string | undefined;
  parameters: JsonObject;
}

/** In `payload`, or beside it. */
function callOf({ payload, path, method, queryParams, body }: GetMessage): JsonObject {
  if (payload !== undefined && Object.keys(payload).length > 0) return payload;
  const beside = { path, method, queryParams, body: body as JsonValue | undefined };
  return Object.fromEntries(Object.entries(beside).filter(([, value]) => value !== undefined)) as JsonObject;
}
