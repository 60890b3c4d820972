/** The HTTP add-on without its process: what it tells gate is kept, and gate's part of a move is played. */
import {
  type DeviceConfig,
  type DeviceRequest,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  systemClock,
} from '@gate/addon-sdk';
import { HttpAddon } from '../../../addons/http/src/http-addon.ts';
import { HttpExchange } from '../../../addons/http/src/http-exchange.ts';
import { listenByMdns } from '../../../addons/http/src/mdns-listener.ts';

export class AddonUnderTest {
  readonly readings: { deviceId: string; data: JsonValue; ts: number | undefined }[] = [];
  readonly availability = new Map<string, { online: boolean; reason: string | undefined }>();
  readonly log: string[] = [];
  readonly moves: JsonObject[] = [];
  #devices: DeviceConfig[] = [];
  readonly #signal = new AbortController().signal;
  readonly #addon = new HttpAddon({
    exchange: new HttpExchange(systemClock),
    gate: {
      report: (deviceId, data, options) => {
        this.readings.push({ deviceId, data: dataIn(data), ts: options?.ts });
      },
      availability: (deviceId, online, reason) => {
        this.availability.set(deviceId, { online, reason });
      },
      event: (event) => {
        if (event.type === 'moved')
          this.#moved(event as unknown as { deviceId: string; address: JsonObject });
      },
      log: {
        info: (line) => void this.log.push(String(line)),
        error: (line) => void this.log.push(String(line)),
      },
    },
    listen: listenByMdns,
    clock: systemClock,
    random: () => 0,
  });

  stop(): void {
    this.#addon.handlers.stop?.();
  }

  /** @returns the address that pairing answered */
  async pair(id: string, type: string, parameters: JsonObject): Promise<JsonObject> {
    const address = await this.#addon.handlers.pair?.(this.#request(id, { type, parameters }));
    this.#devices.push({ id, type, parameters, address: address as JsonObject });
    this.#configure();
    return address as JsonObject;
  }

  async set(id: string, params: JsonObject): Promise<JsonValue> {
    return dataIn((await this.#addon.handlers.set?.(this.#request(id, params))) as JsonValue);
  }

  async get(id: string, params: JsonObject = {}): Promise<JsonValue> {
    return dataIn((await this.#addon.handlers.get?.(this.#request(id, params))) as JsonValue);
  }

  async scan(): Promise<{ label: string; type?: string; parameters: JsonObject; deviceId?: string }[]> {
    return (await this.#addon.handlers.scan?.(this.#request('', {}))) as never;
  }

  lastOf(id: string): JsonObject | undefined {
    return this.readings.findLast(({ deviceId }) => deviceId === id)?.data as JsonObject | undefined;
  }

  #request(deviceId: string, params: JsonObject): DeviceRequest {
    return { method: 'any', deviceId, params, deadline: Date.now() + 10_000, signal: this.#signal };
  }

  #configure(): void {
    this.#addon.handlers.configure?.({ parameters: {}, devices: this.#devices });
  }

  #moved({ deviceId, address }: { deviceId: string; address: JsonObject }): void {
    this.moves.push(address);
    this.#devices = this.#devices.map((device) => (device.id === deviceId ? { ...device, address } : device));
    this.#configure();
  }
}

function dataIn(wrapped: JsonValue): JsonValue {
  const message = isJsonObject(wrapped) ? wrapped['message'] : undefined;
  return (isJsonObject(message) ? message['data'] : undefined) ?? null;
}
