/** The KNX add-on on the bus of a real knxd, what it has said to gate, and what the bus has heard. */
import {
  type DeviceConfig,
  type DeviceRequest,
  type JsonObject,
  type JsonValue,
  systemClock,
} from '@gate/addon-sdk';
import { KnxAddon } from '../../../../addons/knx/src/knx-addon.ts';
import { type HeardTelegram, Knxd } from '../../../support/knxd.ts';
import { until } from '../../../support/until.ts';

export class AddonOnBus {
  readonly knxd: Knxd;
  readonly readings: { deviceId: string; data: JsonObject }[] = [];
  readonly said: { deviceId: string; online: boolean; reason?: string | undefined }[] = [];
  readonly states: string[] = [];
  readonly errors: string[] = [];
  readonly events: JsonObject[] = [];
  readonly addon: KnxAddon;
  heard: HeardTelegram[] = [];

  constructor(knxd: Knxd) {
    this.knxd = knxd;
    this.addon = new KnxAddon({
      gate: {
        report: (deviceId, data) => this.readings.push({ deviceId, data }),
        availability: (deviceId, online, reason) => this.said.push({ deviceId, online, reason }),
        event: (event) => this.events.push(event as JsonObject),
        state: (state, reason) => this.states.push(reason === undefined ? state : `${state}: ${reason}`),
        log: {
          info: () => undefined,
          error: (what, cause) => this.errors.push(`${what}: ${(cause as Error)?.message}`),
        },
      },
      clock: systemClock,
      random: Math.random,
      uploadsFolder: '/nowhere',
    });
  }

  static async start(): Promise<AddonOnBus> {
    const bus = new AddonOnBus(await Knxd.start());
    bus.heard = await bus.knxd.listen();
    return bus;
  }

  async stop(): Promise<void> {
    await this.addon.handlers.stop?.();
    await this.knxd.stop();
  }

  request(params: JsonObject, deviceId = 'd1'): DeviceRequest {
    const { signal } = new AbortController();
    return { method: 'any', deviceId, params, deadline: Date.now() + 10_000, signal };
  }

  set(params: JsonObject, deviceId?: string): Promise<JsonValue> {
    return this.addon.handlers.set?.(this.request(params, deviceId)) as Promise<JsonValue>;
  }

  get(params: JsonObject = {}, deviceId?: string): Promise<JsonValue> {
    return this.addon.handlers.get?.(this.request(params, deviceId)) as Promise<JsonValue>;
  }

  pair(parameters: JsonObject, deviceId?: string): Promise<JsonValue> {
    return this.addon.handlers.pair?.(
      this.request({ type: 't', parameters }, deviceId),
    ) as Promise<JsonValue>;
  }

  /** Paired devices, `d1` where no id is given, behind this knxd. */
  async configure(...devices: Partial<DeviceConfig>[]): Promise<void> {
    await this.addon.handlers.configure?.({
      parameters: { ip_address: '127.0.0.1', port: this.knxd.port },
      devices: devices.map((each) => ({ id: 'd1', type: 't', parameters: {}, address: {}, ...each })),
    });
  }

  async runs(): Promise<void> {
    await until('the add-on runs', () => this.states.at(-1) === 'running');
  }

  /** Answers each read of an address, as a device on the bus does, until the returned function is called. */
  answering(destination: string, value: number | string): () => void {
    return this.knxd.answering(this.heard, destination, value);
  }
}
