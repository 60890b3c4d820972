/**
 * An add-on, put together: login, handshake, config, readings, requests, and a clean end.
 *
 * It ends by itself when it is told to (SIGTERM, SIGINT, the pipe on stdin ending where GATE_STDIN_LIFELINE is set),
 * when its login stays refused for ORPHAN_EXIT_MS, and, where GATE_STDIN_LIFELINE is set, when it has had no connection
 * for that long. Whatever handlers throw and whatever the broker sends leaves it running.
 */
import type { Socket } from 'node:net';
import {
  ORPHAN_EXIT_MS,
  READING_MAX_BYTES,
  READING_MAX_DEPTH,
  UNACKNOWLEDGED_MAX,
} from '../../../src/contract/limits.ts';
import {
  type ConfigMessage,
  configMessage,
  type EventMessage,
  type StateMessage,
} from '../../../src/contract/messages.ts';
import { addonTopics } from '../../../src/contract/topics.ts';
import { CONTRACT_VERSION } from '../../../src/contract/version.ts';
import { withDeadline } from '../../../src/lib/deadline.ts';
import { shortId } from '../../../src/lib/short-id.ts';
import { isJsonObject, type JsonObject, withinDepth } from '../../../src/model/json.ts';
import { parseWith } from '../../../src/model/parse.ts';
import { TS_MAX_MS } from '../../../src/model/reading.ts';
import { AddonError } from './addon-error.ts';
import { type AddonLog, createAddonLog } from './addon-log.ts';
import { AddonState } from './addon-state.ts';
import { type Clock, systemClock } from './clock.ts';
import { EventOutbox } from './event-outbox.ts';
import { MqttSession } from './mqtt-session.ts';
import { type AddonHost, processHost } from './process-host.ts';
import { ReadingQueue } from './reading-queue.ts';
import { type DeviceRequest, type RequestHandler, RequestRunner } from './request-runner.ts';

/** The end of an orphan is decided so much earlier, that it is over when its time is. */
const ORPHAN_MARGIN_MS = 1_000;
/** Steps of a clean end, together less than the 5 s that an add-on has. */
const STOP_HANDLER_MS = 2_000;
const STOP_FLUSH_MS = 1_000;
const STOP_STATE_MS = 1_000;
/** Readings given up are told once in this time. */
const DROPPED_LOG_MS = 1_000;
/** Largest event that is sent. */
export const EVENT_MAX_BYTES = 64 * 1024;
/** Longest version that gate takes. */
const VERSION_MAX_CHARS = 64;
/** `room` waits until fewer readings than this wait for gate. */
const ROOM_BELOW = UNACKNOWLEDGED_MAX / 2;

/** What gate may ask. All but `configure` and `stop` answer requests; one left out is answered `unsupported`. */
export interface AddonHandlers {
  /** The parameters and devices, at the start and after each change. Called one at a time, unchanged ones never. */
  configure?: (config: ConfigMessage) => void | Promise<void>;
  /** Finds the device `deviceId`; params `{type, parameters}`. The value becomes its `address` in config. */
  pair?: RequestHandler<DeviceRequest>;
  cancelPairing?: RequestHandler<DeviceRequest>;
  /** Params: what the caller of the API sent. */
  set?: RequestHandler<DeviceRequest>;
  /** The value is the device's status. */
  get?: RequestHandler<DeviceRequest>;
  /** Takes a device off its network. */
  remove?: RequestHandler<DeviceRequest>;
  /** The value is a list of candidates `{label, type?, parameters}`. */
  scan?: RequestHandler;
  backup?: RequestHandler;
  /** Frees what the add-on holds, within 2 s; readings reported here are still sent. */
  stop?: () => void | Promise<void>;
}

export interface AddonOptions {
  /** The add-on's own version, shown to people. */
  version: string;
  handlers: AddonHandlers;
  /** Further requests, by the action's name in the manifest. */
  actions?: Readonly<Record<string, RequestHandler>>;
  /** Passed in by tests. */
  host?: AddonHost;
  clock?: Clock;
  connect?: (broker: { host: string; port: number }) => Socket;
}

export interface Addon {
  readonly log: AddonLog;
  /**
   * Connects and serves until the end, then ends the process: with 0 when it was told to stop, with 1 otherwise.
   * Settles only where the host's `exit` returns, as in a test.
   */
  run(): Promise<void>;
  /** Ends as SIGTERM does: `stop` handler, readings sent, state `stopped`, log-out, exit 0; within 5 s. */
  stop(): Promise<void>;
  /**
   * Hands over a reading of a device: it is kept until gate has it on disk. Past UNACKNOWLEDGED_MAX (10,000) unacknowledged
   * ones the oldest is given up. `ts` is when it was measured, in whole milliseconds since 1970; now if left out.
   * @throws AddonError badReading: over READING_MAX_BYTES (128 KB), nested deeper than READING_MAX_DEPTH (32), a ts out of range; badDeviceId
   */
  report(deviceId: string, data: JsonObject, options?: { ts?: number }): void;
  /** Readings that gate has not acknowledged. */
  readonly unacknowledged: number;
  /** Resolves once half of UNACKNOWLEDGED_MAX is free: what a fast source awaits between its readings. */
  room(): Promise<void>;
  /** Resolves once every reading is acknowledged. */
  flush(): Promise<void>;
  /** Says whether a device answers; `reason` for a person. Said again on every connection, repeats are left out. @throws AddonError badDeviceId */
  availability(deviceId: string, online: boolean, reason?: string): void;
  /** Says how the add-on is: `degraded` is alive, but not linked to its radio, bus or devices. */
  state(state: 'running' | 'degraded', reason?: string): void;
  /**
   * Tells what has happened, as the progress of a pairing. Known types: src/contract/messages.ts, `eventMessage`.
   * @throws AddonError badEvent: over EVENT_MAX_BYTES (64 KB)
   */
  event(event: EventMessage): void;
}

/** Makes an add-on. Nothing happens before `run`; readings reported earlier are kept. @throws AddonError badSetting */
export function createAddon(options: AddonOptions): Addon {
  return new RunningAddon(options);
}

class RunningAddon implements Addon {
  readonly log: AddonLog;
  readonly #options: AddonOptions;
  readonly #host: AddonHost;
  readonly #clock: Clock;
  readonly #topics: ReturnType<typeof addonTopics>;
  readonly #queue: ReadingQueue;
  readonly #session: MqttSession;
  readonly #state: AddonState;
  readonly #outbox: EventOutbox;
  readonly #runner: RequestRunner;
  readonly #readingTopics = new Map<string, string>();
  readonly #ended = Promise.withResolvers<void>();
  /** Makes ids of readings unique across restarts: gate remembers at least the last 100,000. */
  readonly #sessionId = shortId(6);
  #counter = 0;
  #dropped = 0;
  #droppedSaid = false;
  #handledConfig: string | undefined;
  #nextConfig: string | undefined;
  #configuring = false;
  #cancelOrphanTimer: (() => void) | undefined;
  #refusedSince: number | undefined;
  #connectionTrouble: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: AddonOptions) {
    this.#options = options;
    this.#host = options.host ?? processHost();
    this.#clock = options.clock ?? systemClock;
    const login = readLogin(this.#host.env);
    this.log = createAddonLog({ out: this.#host.out, err: this.#host.err, secrets: [login.token] });
    const topics = addonTopics(login.addon);
    this.#topics = topics;
    this.#state = new AddonState(() => this.#publishState());
    this.#session = new MqttSession({
      broker: login.broker,
      username: login.addon,
      password: login.token,
      subscriptions: [topics.config, topics.requests],
      will: {
        topic: topics.state,
        payload: this.#stateMessage({ state: 'stopped', reason: 'connection lost' }),
      },
      clock: this.#clock,
      onConnected: () => this.#connected(),
      onDisconnected: (reason, refused) => this.#disconnected(reason, refused),
      onMessage: (topic, payload) => this.#receive(topic, payload),
      onAcknowledged: (packetId) => this.#queue.acknowledge(packetId),
      ...(options.connect ? { connect: options.connect } : {}),
    });
    this.#queue = new ReadingQueue({
      send: (reading) => this.#session.send(reading),
      onDropped: () => this.#readingDropped(),
    });
    this.#outbox = new EventOutbox({
      publish: (topic, payload) => this.#session.publish(topic, payload),
      eventsTopic: topics.events,
      availabilityTopic: topics.availability,
    });
    this.#runner = new RequestRunner({
      handlers: requestHandlers(options),
      answer: (requestId, result) =>
        void this.#session.publish(topics.result(requestId), JSON.stringify(result)),
      clock: this.#clock,
      log: this.log,
    });
  }

  run(): Promise<void> {
    const host = this.#host;
    host.onUncaught((error) => {
      this.log.error('uncaught error, ending', error);
      host.exit(1);
    });
    host.onStopSignal((signal) => void this.#stop(`${signal} received`));
    if (host.env['GATE_STDIN_LIFELINE'] === '1') {
      host.onLifelineEnd(() => {
        // nobody is left to take readings: there is nothing to wait for
        this.log.error('gate is gone (stdin ended), ending');
        this.#exit(0);
      });
      this.#watchForOrphan();
    }
    this.#session.start();
    return this.#ended.promise;
  }

  stop(): Promise<void> {
    return this.#stop('stop was called');
  }

  report(deviceId: string, data: JsonObject, options: { ts?: number } = {}): void {
    const { ts = this.#clock.now() } = options;
    const topic = this.#readingTopics.get(deviceId) ?? this.#readingTopic(deviceId);
    if (!Number.isInteger(ts) || ts < 0 || ts > TS_MAX_MS) {
      throw new AddonError(
        'badReading',
        `ts of a reading of "${deviceId}" is not whole milliseconds since 1970`,
      );
    }
    if (!isJsonObject(data) || !withinDepth(data, READING_MAX_DEPTH)) {
      throw new AddonError(
        'badReading',
        `data of a reading of "${deviceId}" is no object or nested too deep`,
      );
    }
    const id = `${this.#sessionId}-${(this.#counter++).toString(36)}`;
    const payload = `{"id":"${id}","ts":${ts},"data":${textOf(deviceId, data)}}`;
    // three bytes of UTF-8 at most for each character: mostly the exact count is not needed
    if (payload.length * 3 > READING_MAX_BYTES && Buffer.byteLength(payload) > READING_MAX_BYTES) {
      throw new AddonError(
        'badReading',
        `a reading of "${deviceId}" is larger than ${READING_MAX_BYTES} bytes`,
      );
    }
    this.#queue.push(topic, payload);
  }

  get unacknowledged(): number {
    return this.#queue.unacknowledged;
  }

  room(): Promise<void> {
    return this.#queue.below(ROOM_BELOW);
  }

  flush(): Promise<void> {
    return this.#queue.below(1);
  }

  availability(deviceId: string, online: boolean, reason?: string): void {
    checkDeviceId(deviceId);
    this.#outbox.availability(deviceId, { online, ...(reason ? { reason: reason.slice(0, 1_000) } : {}) });
  }

  state(state: 'running' | 'degraded', reason = 'no reason given'): void {
    this.#state.problem('addon', state === 'degraded' ? reason : undefined);
  }

  event(event: EventMessage): void {
    const payload = JSON.stringify(event);
    // what the broker refuses would break the connection again and again
    if (Buffer.byteLength(payload) > EVENT_MAX_BYTES) {
      throw new AddonError('badEvent', `an event "${event.type}" is larger than ${EVENT_MAX_BYTES} bytes`);
    }
    this.#outbox.event(payload);
  }

  #readingTopic(deviceId: string): string {
    checkDeviceId(deviceId);
    const topic = this.#topics.data(deviceId);
    this.#readingTopics.set(deviceId, topic);
    return topic;
  }

  #connected(): void {
    this.log.info(this.#connectionTrouble === undefined ? 'connected to gate' : 'connected to gate again');
    this.#connectionTrouble = undefined;
    this.#refusedSince = undefined;
    this.#cancelOrphanTimer?.();
    this.#cancelOrphanTimer = undefined;
    this.#publishState();
    this.#outbox.sendAll();
    this.#queue.open();
  }

  #disconnected(reason: string, refused: boolean): void {
    this.#queue.close();
    if (this.#stopping) return;
    if (reason !== this.#connectionTrouble) this.log.error(`no connection to gate: ${reason}`);
    this.#connectionTrouble = reason;
    if (!this.#cancelOrphanTimer && this.#host.env['GATE_STDIN_LIFELINE'] === '1') this.#watchForOrphan();
    if (!refused) this.#refusedSince = undefined;
    else if (this.#refusedSince === undefined) this.#refusedSince = this.#clock.uptime();
    else if (this.#clock.uptime() - this.#refusedSince >= ORPHAN_EXIT_MS - ORPHAN_MARGIN_MS) {
      this.log.error('gate keeps refusing the login, ending');
      this.#exit(1);
    }
  }

  #watchForOrphan(): void {
    this.#cancelOrphanTimer = this.#clock.after(ORPHAN_EXIT_MS - ORPHAN_MARGIN_MS, () => {
      this.log.error('no connection to gate for too long, ending');
      this.#exit(1);
    });
  }

  #receive(topic: string, payload: Buffer): void {
    if (this.#stopping) return;
    if (topic === this.#topics.config) {
      this.#nextConfig = payload.toString();
      void this.#configure();
      return;
    }
    const base = this.#topics.request('');
    if (topic.startsWith(base)) this.#runner.deliver(topic.slice(base.length), payload);
  }

  /** Handles the newest config, one at a time: those that came meanwhile and are outdated are skipped. */
  async #configure(): Promise<void> {
    if (this.#configuring) return;
    this.#configuring = true;
    while (this.#nextConfig !== undefined && !this.#stopping) {
      const text = this.#nextConfig;
      this.#nextConfig = undefined;
      if (text === '' || text === this.#handledConfig) continue;
      try {
        const config = parseWith(configMessage, JSON.parse(text), 'config');
        this.#keepOnly(config);
        await this.#options.handlers.configure?.(config);
        this.#handledConfig = text;
        this.#state.problem('config', undefined);
      } catch (error) {
        this.#handledConfig = undefined;
        this.log.error('the configuration could not be applied', error);
        this.#state.problem('config', `configuration: ${error instanceof Error ? error.message : error}`);
      }
      this.#state.configured();
    }
    this.#configuring = false;
  }

  #keepOnly(config: ConfigMessage): void {
    const deviceIds = new Set(config.devices.map(({ id }) => id));
    this.#outbox.keepOnly(deviceIds);
    for (const deviceId of this.#readingTopics.keys()) {
      if (!deviceIds.has(deviceId)) this.#readingTopics.delete(deviceId);
    }
  }

  #readingDropped(): void {
    this.#dropped += 1;
    if (this.#droppedSaid) return;
    this.#droppedSaid = true;
    const before = this.#dropped - 1;
    this.#clock.after(DROPPED_LOG_MS, () => {
      this.#droppedSaid = false;
      if (this.#stopping) return;
      const reason = `gate does not take readings fast enough: ${this.#dropped} given up so far`;
      this.log.error(`${reason}, ${this.#dropped - before} of them in the last second`);
      this.#state.problem('readings', reason);
      void this.room().then(() => this.#state.problem('readings', undefined));
    });
  }

  #publishState(): void {
    if (this.#stopping) return;
    void this.#session.publish(this.#topics.state, this.#stateMessage(this.#state.shown()), true);
  }

  #stateMessage(shown: Pick<StateMessage, 'state' | 'reason'>): string {
    const version = this.#options.version.slice(0, VERSION_MAX_CHARS);
    const message: StateMessage = { state: shown.state, contract: CONTRACT_VERSION, version };
    return JSON.stringify(shown.reason === undefined ? message : { ...message, reason: shown.reason });
  }

  #stop(why: string): Promise<void> {
    this.#stopping ??= this.#windDown(why);
    return this.#stopping;
  }

  async #windDown(why: string): Promise<void> {
    this.log.info(`stopping: ${why}`);
    this.#cancelOrphanTimer?.();
    this.#runner.abort();
    const handler = async () => this.#options.handlers.stop?.();
    await withDeadline(handler(), STOP_HANDLER_MS, 'the stop handler').catch((error) =>
      this.log.error('stopping', error),
    );
    if (this.#session.connected) {
      await withDeadline(this.flush(), STOP_FLUSH_MS, 'sending the last readings').catch((error) =>
        this.log.error(`${this.unacknowledged} readings are lost`, error),
      );
      const stopped = this.#session.publish(
        this.#topics.state,
        this.#stateMessage({ state: 'stopped' }),
        true,
      );
      await withDeadline(stopped, STOP_STATE_MS, 'saying goodbye').catch(() => undefined);
    }
    await this.#session.stop();
    this.#exit(0);
  }

  #exit(code: number): void {
    this.#stopping ??= Promise.resolve();
    this.#cancelOrphanTimer?.();
    void this.#session.stop();
    this.#ended.resolve();
    this.#host.exit(code);
  }
}

/** One level of a topic: MQTT 3.1.1, clause 4.7. */
function checkDeviceId(deviceId: string): void {
  if (/^[^/+#\0]{1,256}$/.test(deviceId)) return;
  throw new AddonError('badDeviceId', `"${deviceId}" cannot be the id of a device`);
}

function textOf(deviceId: string, data: JsonObject): string {
  try {
    return JSON.stringify(data);
  } catch (cause) {
    throw new AddonError('badReading', `data of a reading of "${deviceId}" is not JSON`, { cause });
  }
}

interface Login {
  addon: string;
  token: string;
  broker: { host: string; port: number };
}

function readLogin(env: AddonHost['env']): Login {
  const read = (name: string): string => {
    const value = env[name];
    if (value) return value;
    throw new AddonError('badSetting', `${name} is not set: gate sets it when it starts an add-on`);
  };
  const text = read('GATE_BROKER_URL');
  const url = URL.parse(text);
  if (url?.protocol !== 'mqtt:' || !url.hostname) {
    throw new AddonError('badSetting', `GATE_BROKER_URL is "${text}", it must be mqtt://host:port`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    addon: read('GATE_ADDON'),
    token: read('GATE_ADDON_TOKEN'),
    broker: { host, port: Number(url.port || 1883) },
  };
}

function requestHandlers({
  handlers,
  actions = {},
}: AddonOptions): Map<string, RequestHandler<DeviceRequest>> {
  const { configure: _configure, stop: _stop, ...requests } = handlers;
  return new Map(Object.entries<RequestHandler<DeviceRequest>>({ ...actions, ...requests }));
}
