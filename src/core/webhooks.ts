/**
 * Webhooks: an HTTP device that reports by itself calls `/hooks/<token>`, and what it sends is a reading like any other.
 * `receive` resolves when the reading is on disk: the device may forget it then.
 *
 * A token is the device's id and an HMAC over it with the gateway's own key, so nothing is stored for a device but how
 * often its token was renewed. 256 bits are not found by trying; what is wrong is told apart from nothing that exists.
 */
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { READING_MAX_BYTES, READING_MAX_DEPTH } from '../contract/limits.ts';
import type { Device } from '../model/device.ts';
import { GatewayError } from '../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue, withinDepth } from '../model/json.ts';
import { HTTP_PROTOCOL } from './commands.ts';
import type { Devices } from './devices/devices.ts';
import type { Figures } from './figures.ts';
import type { Registry } from './ports.ts';
import type { Readings } from './readings.ts';

export const HOOKS = '/hooks';
const KEY_NAME = 'webhookKey';
const KEY_BYTES = 32;
/** Levels that the wrapper of HTTP devices' readings takes. */
const WRAPPER_DEPTH = 2;

export interface WebhooksParts {
  registry: Pick<Registry, 'keep'>;
  devices: Devices;
  readings: Readings;
  figures: Figures;
  now: () => number;
}

export class Webhooks {
  readonly #parts: WebhooksParts;
  #key = Buffer.alloc(0);

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
  }

  /** The key is made once in a gateway's life. */
  async start(): Promise<void> {
    const made = () => randomBytes(KEY_BYTES).toString('base64url');
    this.#key = Buffer.from(await this.#parts.registry.keep(KEY_NAME, made), 'base64url');
  }

  /** Where this device may call, a secret; undefined for one that has no webhook. */
  pathOf(device: Device): string | undefined {
    return device.protocol === HTTP_PROTOCOL ? `${HOOKS}/${this.#tokenOf(device)}` : undefined;
  }

  /** The token so far is void. @throws GatewayError notFound, conflict */
  async renew(deviceId: string): Promise<string> {
    const { devices } = this.#parts;
    if (this.pathOf(devices.get(deviceId)) === undefined) {
      throw new GatewayError('conflict', `device "${deviceId}" has no webhook`, {
        hint: 'HTTP devices have one',
      });
    }
    return this.pathOf(await devices.renewWebhook(deviceId)) as string;
  }

  /** @throws GatewayError notFound for a wrong token; badRequest, tooLarge; whatever the store cannot do */
  async receive(token: string, values: JsonObject): Promise<void> {
    const { readings, figures, now } = this.#parts;
    const device = this.#deviceOf(token);
    if (!device) {
      figures.webhooks.add('wrongToken');
      throw new GatewayError('notFound', 'there is no such webhook', {
        hint: 'the device object shows its webhook to administrators',
      });
    }
    const data = { type: 'data', message: { data: values } };
    try {
      checkReading(data, values);
    } catch (error) {
      figures.webhooks.add('refused');
      throw error;
    }
    await readings.record(HTTP_PROTOCOL, {
      deviceId: device.id,
      id: `hook-${randomUUID()}`,
      ts: now(),
      data,
    });
    figures.webhooks.add('stored');
    figures.recorded.add(HTTP_PROTOCOL);
  }

  #deviceOf(token: string): Device | undefined {
    const device = this.#parts.devices.find(token.slice(0, Math.max(0, token.lastIndexOf('.'))));
    if (device?.protocol !== HTTP_PROTOCOL) return undefined;
    const expected = Buffer.from(this.#tokenOf(device));
    const given = Buffer.from(token);
    return expected.length === given.length && timingSafeEqual(expected, given) ? device : undefined;
  }

  #tokenOf({ id, webhookRenewals = 0 }: Device): string {
    const mac = createHmac('sha256', this.#key).update(`${id} ${webhookRenewals}`).digest('base64url');
    return `${id}.${mac}`;
  }
}

/** @throws GatewayError badRequest, tooLarge */
function checkReading(data: JsonObject, values: JsonObject): void {
  if (!withinDepth(values, READING_MAX_DEPTH - WRAPPER_DEPTH)) {
    throw new GatewayError('badRequest', `what was sent is nested deeper than ${READING_MAX_DEPTH} levels`);
  }
  if (hasProto(values)) throw new GatewayError('badRequest', '"__proto__" is no name for a value');
  if (Buffer.byteLength(JSON.stringify(data)) > READING_MAX_BYTES) {
    throw new GatewayError('tooLarge', `a reading may have at most ${READING_MAX_BYTES} bytes`);
  }
}

/** Some reader of the readings may take that name for more than a name. */
function hasProto(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.some(hasProto);
  return isJsonObject(value) && (Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto));
}
