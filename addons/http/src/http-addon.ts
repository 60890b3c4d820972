/** The HTTP devices of one gateway: pairing, polling, commands, discovery. A device is spoken to only where it was found. */
import {
  type Addon,
  AddonError,
  type AddonHandlers,
  type Clock,
  type ConfigMessage,
  type DeviceConfig,
  type DeviceRequest,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type ScanCandidate,
} from '@gate/addon-sdk';
import { DeviceLine, otherDevice } from './device-line.ts';
import { type DeviceSetting, PUSH_ADDRESS, PUSH_TYPE, parseSetting } from './device-setting.ts';
import { Discovery, type FoundDevice } from './discovery.ts';
import { bodyOf } from './exchange-answer.ts';
import { plainId } from './families/wire-values.ts';
import type { HttpExchange } from './http-exchange.ts';
import { LostDevices } from './lost-devices.ts';
import type { Listen } from './mdns-listener.ts';
import { PairedDevice, POLL_DEADLINE_MS } from './paired-device.ts';

export { POLL_DEADLINE_MS } from './paired-device.ts';

/** A command ends so much before its deadline, that its reason still arrives in time. */
const ANSWER_MARGIN_MS = 200;
const HTTP_PORT = 80;
const LABEL_MAX_CHARS = 200;

/** What HTTP devices' readings and answers look like: docs of the API, "OP: Get data for a specific device". */
type Wrapped = { type: 'data'; message: { data: JsonValue } };

export interface HttpAddonParts {
  exchange: HttpExchange;
  /** Where readings, availability and events go. */
  gate: Pick<Addon, 'report' | 'availability' | 'event' | 'log'>;
  /** Hears the announcements of devices. */
  listen: Listen;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
}

interface KnownDevice {
  /** Tells whether a new config changes anything for this device. */
  signature: string;
  setting: DeviceSetting;
  device: PairedDevice;
}

export class HttpAddon {
  readonly #parts: HttpAddonParts;
  readonly #devices = new Map<string, KnownDevice>();
  /** Devices that only call their webhook. */
  readonly #pushing = new Set<string>();
  readonly #discovery: Discovery;
  readonly #lost: LostDevices;

  constructor(parts: HttpAddonParts) {
    this.#parts = parts;
    this.#discovery = new Discovery(parts);
    this.#lost = new LostDevices({
      ...parts,
      search: () => this.#discovery.search(),
      onFound: (deviceId, found) => this.#move(deviceId, found),
    });
  }

  readonly handlers: AddonHandlers = {
    configure: (config) => this.#configure(config),
    pair: (request) => this.#pair(request),
    cancelPairing: () => null,
    set: async (request) => {
      const { device } = this.#device(request.deviceId);
      return wrapped(await device.set(request.params, this.#limits(request)));
    },
    get: async (request) => {
      const { device } = this.#device(request.deviceId);
      return wrapped(await device.get(request.params, this.#limits(request)));
    },
    remove: ({ deviceId }) => this.#forget(deviceId),
    scan: async () => (await this.#discovery.search()).map((found) => this.#candidate(found)),
    stop: () => {
      for (const deviceId of [...this.#devices.keys()]) this.#forget(deviceId);
      this.#lost.stop();
      this.#parts.exchange.close();
    },
  };

  #configure({ devices }: ConfigMessage): void {
    const paired = devices.filter(({ address }) => address !== null);
    const wanted = new Set(paired.map(({ id }) => id));
    for (const deviceId of [...this.#devices.keys(), ...this.#pushing]) {
      if (!wanted.has(deviceId)) this.#forget(deviceId);
    }
    for (const device of paired) this.#apply(device);
  }

  /** One device that cannot be understood is told of, and keeps none of the others from working. */
  #apply({ id, type, address, parameters }: DeviceConfig): void {
    const { gate } = this.#parts;
    if (type === PUSH_TYPE) {
      this.#pushing.add(id);
      return;
    }
    // where it is said to be counts only when it is paired
    const {
      protocol: _protocol,
      hostname: _hostname,
      port: _port,
      identity: _identity,
      ...rest
    } = parameters;
    const signature = JSON.stringify([type, address, rest]);
    if (this.#devices.get(id)?.signature === signature) return;
    this.#forget(id);
    try {
      const setting = parseSetting(type, parameters, address);
      const device = this.#poll(id, setting);
      this.#devices.set(id, { signature, setting, device });
      device.start();
    } catch (error) {
      gate.log.error(`device ${id} cannot be polled`, error);
      gate.availability(id, false, (error as Error).message);
    }
  }

  #poll(deviceId: string, setting: DeviceSetting): PairedDevice {
    const { exchange, gate, clock, random } = this.#parts;
    return new PairedDevice({
      setting,
      exchange,
      onReading: (data, ts) => gate.report(deviceId, wrapped(data), { ts }),
      onAvailability: (online, reason) => {
        if (online) this.#lost.remove(deviceId);
        gate.availability(deviceId, online, reason);
      },
      onLost: () => {
        if (setting.identity !== undefined) this.#lost.add(deviceId, setting.identity);
      },
      onRestart: () => gate.log.info(`device ${deviceId} was restarted`),
      clock,
      random,
    });
  }

  async #pair({ deviceId, params, signal }: DeviceRequest): Promise<JsonValue> {
    const parameters = isJsonObject(params['parameters']) ? params['parameters'] : {};
    const type = typeof params['type'] === 'string' ? params['type'] : null;
    const joined = () => this.#parts.gate.event({ type: 'joined', deviceId });
    if (type === PUSH_TYPE) {
      joined();
      return { ...PUSH_ADDRESS };
    }
    const setting = parseSetting(type, parameters, parameters);
    const line = new DeviceLine(this.#parts.exchange, setting);
    const limits = { deadlineMs: POLL_DEADLINE_MS, signal };
    const { address, family, polling } = setting;
    if (family === undefined) {
      const body = bodyOf(await line.ask({ method: 'GET', path: polling.path }, limits));
      setting.selection?.of(body);
      joined();
      return { ...address };
    }
    const ask = line.reading(() => limits);
    const { id, model } = await family.identify(ask);
    const wanted = plainId(parameters['identity']);
    if (wanted !== undefined && wanted !== id) throw otherDevice(line.place, { wanted, found: id });
    joined();
    // who it is most devices tell everybody: only now it is seen whether the login is right
    await family.read(ask);
    return { ...address, identity: id, model };
  }

  /** gate is told the new address, and configures the device anew with it. */
  #move(deviceId: string, { hostname, port }: FoundDevice): void {
    const known = this.#devices.get(deviceId);
    if (!known) return;
    const { setting, signature } = known;
    // what is announced is the port of http
    const { protocol } = setting.address;
    const place = protocol === 'http' ? { hostname, port } : { hostname, port: setting.address.port };
    if (setting.address.hostname === hostname && setting.address.port === place.port) return;
    const [, before] = JSON.parse(signature) as [unknown, JsonObject];
    this.#parts.gate.log.info(`device ${deviceId} was found again at ${hostname}:${place.port}`);
    this.#parts.gate.event({ type: 'moved', deviceId, address: { ...before, ...place } });
  }

  #candidate({ family, hostname, port, identity }: FoundDevice): ScanCandidate {
    const name = identity?.name === undefined ? '' : ` "${identity.name}"`;
    const model = identity?.model ?? 'wants a login';
    const place = port === HTTP_PORT ? hostname : `${hostname}:${port}`;
    const own = [...this.#devices].find(
      ([, { setting }]) => identity !== undefined && setting.identity === identity.id,
    );
    return {
      label: `${family.title}: ${model}${name} at ${place}`.slice(0, LABEL_MAX_CHARS),
      type: family.typeId,
      parameters: { hostname, port, ...(identity === undefined ? {} : { identity: identity.id }) },
      ...(own === undefined ? {} : { deviceId: own[0] }),
    };
  }

  #limits({ deadline, signal }: DeviceRequest) {
    return { deadlineMs: Math.max(1, deadline - this.#parts.clock.now() - ANSWER_MARGIN_MS), signal };
  }

  #forget(deviceId: string): null {
    this.#lost.remove(deviceId);
    this.#pushing.delete(deviceId);
    this.#devices.get(deviceId)?.device.stop();
    this.#devices.delete(deviceId);
    return null;
  }

  /** @throws AddonError badRequest, notPaired */
  #device(deviceId: string): KnownDevice {
    const known = this.#devices.get(deviceId);
    if (known) return known;
    if (this.#pushing.has(deviceId)) {
      throw new AddonError('badRequest', `device "${deviceId}" only calls its webhook: it takes no commands`);
    }
    throw new AddonError('notPaired', `device "${deviceId}" is not paired`, { hint: 'pair it first' });
  }
}

function wrapped(data: JsonValue): Wrapped & JsonObject {
  return { type: 'data', message: { data } };
}
