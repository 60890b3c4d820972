/**
 * The devices of the gateway with what each said last. Asked for once, then kept up to date by the socket. Readings are
 * gathered and shown once a frame, of a bounded number of devices: a thousand a second leave the page free.
 */

import type { Device, Latest } from '../api/answers.ts';
import { api, quietly, request } from '../api/client.ts';
import type { JsonObject, JsonValue } from '../api/json.ts';
import { live } from '../live/live.svelte.ts';
import type { Told } from '../live/live-events.ts';
import { session } from '../session/session.svelte.ts';
import { attributesIn, type Value, type Values } from './values.ts';

/** Devices whose values are written anew in one frame; the others have theirs in the next ones. */
const SHOWN_IN_A_FRAME = 25;
/** After all were shown: nobody reads numbers that change more often. A lone reading is shown at once. */
const SHOWN_AGAIN_MS = 400;
/** Changes of the list come in bunches, as when many devices are imported. */
const LIST_AGAIN_MS = 300;
/** After the first connection: what was missed before it is seldom, and the page is still being made. */
const FIRST_AGAIN_MS = 1_500;

/** One device, as it is now. */
export class LiveDevice {
  readonly id: string;
  #device = $state.raw() as Device;
  #values = $state.raw<Values>({});
  #lastAt = $state<number | undefined>();
  #protocol = $state('');

  constructor(device: Device) {
    this.id = device.id;
    this.#device = device;
  }

  get device(): Device {
    return this.#device;
  }

  get values(): Values {
    return this.#values;
  }

  /** When it was last heard of, in milliseconds since 1970. */
  get lastAt(): number | undefined {
    return this.#lastAt;
  }

  /** Slug of its protocol; empty until it is known. */
  get protocol(): string {
    return this.#protocol;
  }

  become(device: Device): void {
    this.#device = device;
  }

  belongTo(protocol: string): void {
    this.#protocol = protocol;
  }

  /** What is older than what is known changes nothing. */
  take(news: Values): void {
    let changed: Record<string, Value> | undefined;
    let lastAt = this.#lastAt ?? 0;
    for (const [name, value] of Object.entries(news)) {
      lastAt = Math.max(lastAt, value.at);
      if ((this.#values[name]?.at ?? 0) > value.at) continue;
      changed ??= { ...this.#values };
      changed[name] = value;
    }
    if (changed) this.#values = changed;
    if (lastAt > 0) this.#lastAt = lastAt;
  }
}

class Devices {
  #list = $state.raw<LiveDevice[]>([]);
  #gateway = $state.raw<Device | undefined>();
  #state = $state<'unknown' | 'known'>('unknown');
  readonly #byId = new Map<string, LiveDevice>();
  readonly #news = new Map<string, Record<string, Value>>();
  /** A frame, or a moment, is asked for already. */
  #due = false;
  readonly #lookedFor = new Set<string>();
  #shownAt = 0;
  #loading: Promise<void> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    live.on('data', (told) => this.#hear(told));
    live.on('availability', ({ deviceId, online, reason, ts }) => {
      const known = this.#byId.get(deviceId);
      const availability = { online, ...(reason === undefined ? {} : { reason }), since: Date.parse(ts) };
      if (known) known.become({ ...known.device, availability });
    });
    // whoever did it; a pairing that begins or ends is one of them
    live.on('device_changed', () => this.#soon());
    let before = false;
    live.onConnected(() => {
      this.#soon(before ? LIST_AGAIN_MS : FIRST_AGAIN_MS);
      before = true;
    });
    session.onChange(() => this.#soon());
  }

  /** Without the gateway itself. */
  get list(): readonly LiveDevice[] {
    return this.#list;
  }

  get gateway(): Device | undefined {
    return this.#gateway;
  }

  /** Whether the list was loaded. */
  get isKnown(): boolean {
    return this.#state === 'known';
  }

  find(deviceId: string): LiveDevice | undefined {
    return this.#list.find(({ id }) => id === deviceId);
  }

  /** Asks for the list and what each device said last, before there is a page that shows it. */
  begin(): void {
    this.#loading ??= this.#load(quietly).finally(() => {
      this.#loading = undefined;
    });
    // told to who waits for it
    this.#loading.catch(() => undefined);
  }

  /** The list and what each device said last are there then. @throws ApiError */
  async load(): Promise<void> {
    await (this.#loading?.catch(() => this.#load(request)) ?? this.#load(request));
  }

  async #reload(): Promise<void> {
    try {
      await this.#load(quietly);
    } catch {
      // the connection says so itself, and what was there stays until it is back
    }
  }

  /** Both at once: the values may be there first. */
  async #load(ask: typeof request): Promise<void> {
    const [list, latest] = await Promise.all([
      ask(() => api.GET('/device/v1/devices')),
      ask(() => api.GET('/history/latest')),
    ]);
    this.#takeList(list);
    this.#takeValues(latest);
  }

  /** Something of the list is different now: it is asked for again. */
  changed(): Promise<void> {
    return this.#reload();
  }

  #soon(ms = LIST_AGAIN_MS): void {
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      void this.#reload();
    }, ms);
  }

  /** A device that the list does not have yet: asked for once, for it may be none of those shown. */
  #lookFor(deviceId: string): void {
    if (this.#lookedFor.has(deviceId)) return;
    this.#lookedFor.add(deviceId);
    this.#soon();
  }

  #takeList(devices: readonly Device[]): void {
    const ids = new Set(devices.map(({ id }) => id));
    for (const id of this.#byId.keys()) if (!ids.has(id)) this.#byId.delete(id);
    let same = this.#list.length === devices.filter(({ isGateway }) => !isGateway).length;
    for (const device of devices) {
      if (device.isGateway) {
        this.#gateway = device;
        continue;
      }
      const known = this.#byId.get(device.id);
      if (known) known.become(device);
      else {
        this.#byId.set(device.id, new LiveDevice(device));
        same = false;
      }
    }
    if (!same) {
      this.#list = [...this.#byId.values()];
      this.#lookedFor.clear();
    }
    this.#state = 'known';
  }

  #takeValues(latest: readonly Latest[]): void {
    for (const { deviceId, protocol, values } of latest) {
      const device = this.#byId.get(deviceId);
      device?.belongTo(protocol);
      device?.take(
        Object.fromEntries(
          Object.entries(values).map(([name, { value, ts }]) => [
            name,
            { value: value as JsonValue, at: Date.parse(ts) },
          ]),
        ),
      );
    }
  }

  #hear({ deviceId, payload, ts }: Told<JsonObject>): void {
    const at = Date.parse(ts);
    let news = this.#news.get(deviceId);
    if (!news) {
      news = {};
      this.#news.set(deviceId, news);
    }
    const attributes = attributesIn(payload);
    for (const name in attributes) news[name] = { value: attributes[name] as JsonValue, at };
    if (this.#due) return;
    this.#due = true;
    const wait = this.#shownAt + SHOWN_AGAIN_MS - performance.now();
    if (wait <= 0) this.#showNext();
    else setTimeout(() => this.#showNext(), wait);
  }

  #showNext(): void {
    requestAnimationFrame(() => this.#show());
  }

  #show(): void {
    let left = SHOWN_IN_A_FRAME;
    for (const [deviceId, news] of this.#news) {
      if (left-- === 0) break;
      this.#news.delete(deviceId);
      const device = this.#byId.get(deviceId);
      if (device) device.take(news);
      else this.#lookFor(deviceId);
    }
    if (this.#news.size > 0) {
      this.#showNext();
      return;
    }
    this.#due = false;
    this.#shownAt = performance.now();
  }
}

export const devices = new Devices();
