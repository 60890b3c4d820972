/** From the air to a reading: a frame of a bound device becomes what its model's converters make of it. */
import type { AddonLog, Clock, JsonObject } from '@gate/addon-sdk';
import type { Events, Models } from 'zigbee-herdsman';
import type { Definitions, KnownModel } from './definitions.ts';
import type { LastStates } from './last-states.ts';
import { RepeatedFrames } from './repeated-frames.ts';

export interface ReceiverParts {
  definitions: Definitions;
  states: LastStates;
  log: AddonLog;
  clock: Clock;
  /** The device's options as its parameters have them; undefined for a device that is nobody's. */
  optionsOf: (ieeeAddress: string) => JsonObject | undefined;
  report: (ieeeAddress: string, payload: JsonObject) => void;
}

export class Receiver {
  readonly #parts: ReceiverParts;
  readonly #repeats = new RepeatedFrames();
  /** Frames of one device are converted in the order they came. */
  readonly #tails = new Map<string, Promise<void>>();

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
  }

  receive(message: Events.MessagePayload): void {
    const { ieeeAddr } = message.device;
    if (this.#parts.optionsOf(ieeeAddr) === undefined) return;
    const { endpoint, cluster, type, data, meta, device } = message;
    const mark = {
      ieeeAddress: ieeeAddr,
      endpoint: endpoint.ID,
      cluster,
      type,
      transaction: meta.zclTransactionSequenceNumber,
      data,
    };
    if (this.#repeats.isRepeat(mark, this.#parts.clock.uptime())) return;
    const tail = (this.#tails.get(ieeeAddr) ?? Promise.resolve())
      .then(() => this.#convert(message))
      .catch((error: unknown) =>
        this.#parts.log.info(
          `a frame of ${device.modelID ?? ieeeAddr} could not be converted (${cluster}, ${type}): ${(error as Error).message}`,
        ),
      );
    this.#tails.set(ieeeAddr, tail);
  }

  /** Resolves when what has come of a device so far is converted. */
  async converted(ieeeAddress: string): Promise<void> {
    await this.#tails.get(ieeeAddress);
  }

  /** Takes what a command has left the device in, as its acknowledgement says. */
  note(ieeeAddress: string, payload: object): void {
    const clean = plain(payload);
    if (Object.keys(clean).length === 0) return;
    this.#parts.states.merge(ieeeAddress, clean);
    this.#parts.report(ieeeAddress, clean);
  }

  async #convert(message: Events.MessagePayload): Promise<void> {
    const { definitions, states, optionsOf } = this.#parts;
    const { device, linkquality } = message;
    const { ieeeAddr } = device;
    const model = await definitions.of(device);
    const options = optionsOf(ieeeAddr);
    if (!options) return;
    const payload = model ? await this.#payloadOf(message, model, options) : {};
    if (Object.keys(payload).length === 0) {
      states.merge(ieeeAddr, { linkquality });
      return;
    }
    this.note(ieeeAddr, { ...payload, linkquality });
  }

  async #payloadOf(message: Events.MessagePayload, model: KnownModel, options: JsonObject): Promise<object> {
    const { definitions, states } = this.#parts;
    const { device } = message;
    const { definition } = model;
    const library = await definitions.library();
    const payload: Record<string, unknown> = {};
    const publish = (later: object) => {
      // some converters tell more after a while, such as that nobody moves any longer
      const told = { ...later };
      library.postProcessConvertedFromZigbeeMessage(definition, told, options, device);
      this.note(device.ieeeAddr, told);
    };
    for (const converter of definition.fromZigbee) {
      if (converter.cluster !== message.cluster) continue;
      const types: readonly string[] = Array.isArray(converter.type) ? converter.type : [converter.type];
      if (!types.includes(message.type)) continue;
      const meta = {
        state: { ...states.of(device.ieeeAddr) },
        device,
        deviceExposesChanged: () => undefined,
      };
      const converted = await converter.convert(definition, message as never, publish, { ...options }, meta);
      if (converted) Object.assign(payload, converted);
    }
    if (Object.keys(payload).length > 0) {
      library.postProcessConvertedFromZigbeeMessage(definition, payload, { ...options }, device);
    }
    return payload;
  }
}

/** As JSON carries it: converters also return what it does not know. */
export function plain(payload: object): JsonObject {
  const text = JSON.stringify(payload, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return JSON.parse(text) as JsonObject;
}

/** A device that runs on mains power hears commands at any time; one on batteries sleeps. */
export function isSleepy({ type, powerSource }: Models.Device): boolean {
  return type === 'EndDevice' && !/mains|dc source/i.test(powerSource ?? '');
}
