/**
 * An add-on, put together: login, handshake, config, readings, requests, and a clean end.
 *
 * It ends by itself when it is told to (SIGTERM, SIGINT, the pipe on stdin ending where GATE_STDIN_LIFELINE is set), and
 * when it has no gateway any more (`OrphanWatch`). Whatever handlers throw and whatever the broker sends leaves it
 * running.
 */
import type { ConfigMessage, EventMessage, StateMessage } from '../../../src/contract/messages.ts';
import { addonTopics } from '../../../src/contract/topics.ts';
import { CONTRACT_VERSION } from '../../../src/contract/version.ts';
import { withDeadline } from '../../../src/lib/deadline.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { AddonError } from './addon-error.ts';
import { type AddonLog, createAddonLog } from './addon-log.ts';
import { type Addon, type AddonOptions, requestHandlers } from './addon-options.ts';
import { AddonState } from './addon-state.ts';
import { systemClock } from './clock.ts';
import { ConfigIntake } from './config-intake.ts';
import { EventOutbox } from './event-outbox.ts';
import { readLogin } from './login.ts';
import { MqttSession } from './mqtt-session.ts';
import { OrphanWatch } from './orphan-watch.ts';
import { type AddonHost, processHost } from './process-host.ts';
import { checkDeviceId, ReadingReporter } from './reading-reporter.ts';
import { RequestRunner } from './request-runner.ts';

/** Steps of a clean end, together less than the 5 s that an add-on has. */
const STOP_HANDLER_MS = 2_000;
const STOP_FLUSH_MS = 1_000;
const STOP_STATE_MS = 1_000;
/** Largest event that is sent. */
export const EVENT_MAX_BYTES = 64 * 1024;
/** Longest version that gate takes. */
const VERSION_MAX_CHARS = 64;

/** Makes an add-on. Nothing happens before `run`; readings reported earlier are kept. @throws AddonError badSetting */
export function createAddon(options: AddonOptions): Addon {
  return new RunningAddon(options);
}

class RunningAddon implements Addon {
  readonly log: AddonLog;
  readonly #options: AddonOptions;
  readonly #host: AddonHost;
  readonly #topics: ReturnType<typeof addonTopics>;
  readonly #readings: ReadingReporter;
  readonly #session: MqttSession;
  readonly #state: AddonState;
  readonly #outbox: EventOutbox;
  readonly #runner: RequestRunner;
  readonly #config: ConfigIntake;
  readonly #orphanWatch: OrphanWatch;
  readonly #ended = Promise.withResolvers<void>();
  #connectionTrouble: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: AddonOptions) {
    this.#options = options;
    this.#host = options.host ?? processHost();
    const clock = options.clock ?? systemClock;
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
      clock,
      onConnected: () => this.#connected(),
      onDisconnected: (reason, refused) => this.#disconnected(reason, refused),
      onMessage: (topic, payload) => this.#receive(topic, payload),
      onAcknowledged: (packetId) => this.#readings.acknowledge(packetId),
      ...(options.connect ? { connect: options.connect } : {}),
    });
    this.#readings = new ReadingReporter({
      clock,
      topicOf: topics.data,
      send: (reading) => this.#session.send(reading),
      onDropped: (total, recent) => this.#readingsDropped(total, recent),
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
      clock,
      log: this.log,
    });
    this.#config = new ConfigIntake({
      apply: (config) => this.#configure(config),
      onHandled: (failure) => this.#configHandled(failure),
      stopping: () => this.#stopping !== undefined,
    });
    this.#orphanWatch = new OrphanWatch({
      clock,
      isChild: this.#isChild,
      onOrphaned: (reason) => {
        this.log.error(`${reason}, ending`);
        this.#exit(1);
      },
    });
  }

  run(): Promise<void> {
    const host = this.#host;
    host.onUncaught((error) => {
      this.log.error('uncaught error, ending', error);
      host.exit(1);
    });
    host.onStopSignal((signal) => void this.#stop(`${signal} received`));
    if (this.#isChild) {
      host.onLifelineEnd(() => {
        // nobody is left to take readings: there is nothing to wait for
        this.log.error('gate is gone (stdin ended), ending');
        this.#exit(0);
      });
    }
    this.#orphanWatch.start();
    this.#session.start();
    return this.#ended.promise;
  }

  stop(): Promise<void> {
    return this.#stop('stop was called');
  }

  report(deviceId: string, data: JsonObject, options: { ts?: number } = {}): void {
    this.#readings.report(deviceId, data, options.ts);
  }

  get unacknowledged(): number {
    return this.#readings.unacknowledged;
  }

  room(): Promise<void> {
    return this.#readings.room();
  }

  flush(): Promise<void> {
    return this.#readings.flush();
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

  get #isChild(): boolean {
    return this.#host.env['GATE_STDIN_LIFELINE'] === '1';
  }

  #connected(): void {
    this.log.info(this.#connectionTrouble === undefined ? 'connected to gate' : 'connected to gate again');
    this.#connectionTrouble = undefined;
    this.#orphanWatch.connected();
    this.#publishState();
    this.#outbox.sendAll();
    this.#readings.open();
  }

  #disconnected(reason: string, refused: boolean): void {
    this.#readings.close();
    if (this.#stopping) return;
    if (reason !== this.#connectionTrouble) this.log.error(`no connection to gate: ${reason}`);
    this.#connectionTrouble = reason;
    this.#orphanWatch.disconnected(refused);
  }

  #receive(topic: string, payload: Buffer): void {
    if (this.#stopping) return;
    if (topic === this.#topics.config) {
      this.#config.deliver(payload.toString());
      return;
    }
    const base = this.#topics.request('');
    if (topic.startsWith(base)) this.#runner.deliver(topic.slice(base.length), payload);
  }

  async #configure(config: ConfigMessage): Promise<void> {
    const deviceIds = new Set(config.devices.map(({ id }) => id));
    this.#outbox.keepOnly(deviceIds);
    this.#readings.keepOnly(deviceIds);
    await this.#options.handlers.configure?.(config);
  }

  #configHandled(failure: unknown): void {
    if (failure === undefined) this.#state.problem('config', undefined);
    else {
      this.log.error('the configuration could not be applied', failure);
      const words = failure instanceof Error ? failure.message : failure;
      this.#state.problem('config', `configuration: ${words}`);
    }
    this.#state.configured();
  }

  #readingsDropped(total: number, recent: number): void {
    if (this.#stopping) return;
    const reason = `gate does not take readings fast enough: ${total} given up so far`;
    this.log.error(`${reason}, ${recent} of them in the last second`);
    this.#state.problem('readings', reason);
    void this.room().then(() => this.#state.problem('readings', undefined));
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
    this.#orphanWatch.stop();
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
    this.#orphanWatch.stop();
    void this.#session.stop();
    this.#ended.resolve();
    this.#host.exit(code);
  }
}
