/**
 * A Shelly Plug S (SHPLG-S), as its maker's Gen1 HTTP API describes it: a switched socket with a power meter that
 * speaks JSON over HTTP (https://shelly-api-docs.shelly.cloud/gen1/, "Common HTTP API" and "Shelly Plug/PlugS").
 * `npm run demo` and `npm run simulate` use it as tests do.
 *
 * It lives by its clock alone: what would have happened since the last request is worked out when the next one comes,
 * so that no timer runs. Every resource takes GET, and POST with a form, alike; parameters change the state.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What may be wrong with the plug: see `ShellyPlugS.fault`. */
export type ShellyFault = 'none' | 'slow' | 'hanging' | 'failing' | 'notJson' | 'truncated' | 'unauthorized';

export interface ShellyPlugSOptions {
  /** Twelve hexadecimal digits. */
  mac?: string;
  /** What the plugged-in appliance draws while the relay is on, in watts. */
  loadWatts?: number;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Uniform in [0, 1). */
  random?: () => number;
  /** Asked for (HTTP Basic) on every path but /shelly. */
  login?: { username: string; password: string };
}

type Source = 'http' | 'timer' | 'input' | 'overpower';
interface Reply {
  status?: number;
  body: unknown;
}

const FIRMWARE = '20230913-112531/v1.14.0-gcb84623';
const MAX_POWER_WATTS = 2_500;
const RAM_TOTAL_BYTES = 52_064;
const FS_SIZE_BYTES = 233_681;
const FS_FREE_BYTES = 166_162;
const ROOM_CELSIUS = 24;
/** Full load warms the plug by so much, with this time constant. */
const FULL_LOAD_CELSIUS = 30;
const WARMING_SECONDS = 300;
const OVERHEATED_CELSIUS = 95;
/** The meter shows the energy of the last three whole minutes. */
const COUNTERS = 3;
const FORM_MAX_BYTES = 4_096;

export class ShellyPlugS {
  /**
   * `slow`: every answer takes `slowMs` · `hanging`: none ever comes · `failing`: 500 · `notJson`: a web page ·
   * `truncated`: the connection breaks within the answer · `unauthorized`: 401, whatever the login
   */
  fault: ShellyFault = 'none';
  slowMs = 2_000;
  /** Requests it has been sent. */
  requests = 0;

  readonly #mac: string;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #login: { username: string; password: string } | undefined;
  readonly #bootedAtMs: number;
  #loadWatts: number;
  #server: Server | undefined;
  #on = false;
  #source: Source = 'http';
  #overpower = false;
  #timer: { startedAtMs: number; seconds: number; turn: boolean } | undefined;
  #livedUntilMs: number;
  #powerWatts = 0;
  #celsius = ROOM_CELSIUS;
  #wattMinutes = 0;
  /** Energy of the last whole minutes, the newest first, in watt-minutes. */
  readonly #minutes: number[] = [];

  constructor(options: ShellyPlugSOptions = {}) {
    this.#mac = options.mac ?? '7C87CEB4A1F0';
    this.#loadWatts = options.loadWatts ?? 60;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#login = options.login;
    this.#bootedAtMs = this.#now();
    this.#livedUntilMs = this.#bootedAtMs;
  }

  /** Listens on 127.0.0.1, or `host`. @returns the port */
  async start(port = 0, host = '127.0.0.1'): Promise<number> {
    const server = createServer((request, response) => {
      // a caller that goes away in the middle is no fault of the plug
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server = server;
    server.listen(port, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** Switched off at the mains: open connections break. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  get on(): boolean {
    this.#live();
    return this.#on;
  }

  /** Somebody presses the button on the plug. */
  pressButton(): void {
    this.#live();
    this.#turn(!this.#on, 'input');
  }

  /** Somebody plugs in another appliance. */
  plugIn(loadWatts: number): void {
    this.#live();
    this.#loadWatts = loadWatts;
    this.#measure();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    response.on('error', () => undefined);
    const fault = this.fault;
    if (fault === 'hanging') return;
    if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, this.slowMs));
    const url = new URL(request.url ?? '/', 'http://plug');
    if (fault === 'failing') return send(response, 500, 'text/plain', 'Internal Server Error');
    if (fault === 'notJson') return send(response, 200, 'text/html', '<!DOCTYPE html><title>Shelly</title>');
    if (url.pathname !== '/shelly' && !this.#authorized(request)) {
      response.setHeader('WWW-Authenticate', `Basic realm="${this.#hostname}"`);
      return send(response, 401, 'text/plain', '401 Unauthorized');
    }
    const parameters = await readParameters(request, url);
    this.#live();
    const reply = this.#answer(url.pathname, parameters);
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    if (fault === 'truncated') {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length });
      response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
      return;
    }
    const type = typeof reply.body === 'string' ? 'text/plain' : 'application/json';
    send(response, reply.status ?? 200, type, text);
  }

  #authorized(request: IncomingMessage): boolean {
    if (this.fault === 'unauthorized') return false;
    if (!this.#login) return true;
    const { username, password } = this.#login;
    return request.headers.authorization === `Basic ${btoa(`${username}:${password}`)}`;
  }

  #answer(path: string, parameters: URLSearchParams): Reply {
    switch (path) {
      case '/shelly':
        return { body: this.#identity() };
      case '/status':
        return { body: this.#status() };
      case '/settings':
        return { body: this.#settings() };
      case '/relay/0':
        return this.#switch(parameters);
      case '/meter/0':
        return { body: this.#meter() };
      default:
        return { status: 404, body: 'Not Found' };
    }
  }

  #switch(parameters: URLSearchParams): Reply {
    const turn = parameters.get('turn');
    const timer = parameters.get('timer');
    if (turn !== null && turn !== 'on' && turn !== 'off' && turn !== 'toggle') {
      return { status: 400, body: 'Bad turn!' };
    }
    if (timer !== null && !/^\d{1,9}$/.test(timer)) return { status: 400, body: 'Bad timer!' };
    if (turn !== null) {
      this.#turn(turn === 'toggle' ? !this.#on : turn === 'on', 'http');
      const seconds = Number(timer ?? 0);
      // one-shot flip-back: after so many seconds the relay goes back
      if (seconds > 0) this.#timer = { startedAtMs: this.#now(), seconds, turn: !this.#on };
    }
    return { body: this.#relay() };
  }

  #turn(on: boolean, source: Source): void {
    this.#on = on;
    this.#source = source;
    this.#timer = undefined;
    if (on) this.#overpower = false;
    this.#measure();
  }

  #measure(): void {
    const ripple = 1 + (this.#random() - 0.5) * 0.04;
    this.#powerWatts = this.#on ? this.#loadWatts * ripple : 0;
    if (this.#powerWatts <= MAX_POWER_WATTS) return;
    // the plug protects itself
    this.#turn(false, 'overpower');
    this.#overpower = true;
  }

  /** Lets the time pass since the last request, up to a timer's end first. */
  #live(): void {
    const nowMs = this.#now();
    const timer = this.#timer;
    const endMs = timer ? timer.startedAtMs + timer.seconds * 1000 : Number.POSITIVE_INFINITY;
    if (timer && endMs <= nowMs) {
      this.#pass(endMs);
      this.#turn(timer.turn, 'timer');
    }
    this.#pass(nowMs);
    this.#measure();
  }

  #pass(untilMs: number): void {
    const seconds = Math.max(0, untilMs - this.#livedUntilMs) / 1000;
    const target = ROOM_CELSIUS + FULL_LOAD_CELSIUS * (this.#powerWatts / MAX_POWER_WATTS);
    const noise = (this.#random() - 0.5) * 0.1;
    this.#celsius = target + (this.#celsius - target) * Math.exp(-seconds / WARMING_SECONDS) + noise;
    this.#count(seconds);
    this.#livedUntilMs = Math.max(this.#livedUntilMs, untilMs);
  }

  #count(seconds: number): void {
    this.#wattMinutes += (this.#powerWatts * seconds) / 60;
    const atMs = this.#livedUntilMs - this.#bootedAtMs;
    const minutesPassed = Math.floor((atMs + seconds * 1000) / 60_000) - Math.floor(atMs / 60_000);
    for (let minute = 0; minute < Math.min(minutesPassed, COUNTERS); minute += 1) {
      this.#minutes.unshift(this.#powerWatts);
    }
    this.#minutes.length = Math.min(this.#minutes.length, COUNTERS);
  }

  #identity() {
    return {
      type: 'SHPLG-S',
      mac: this.#mac,
      auth: this.#login !== undefined,
      fw: FIRMWARE,
      discoverable: true,
      num_outputs: 1,
      num_meters: 1,
    };
  }

  #status() {
    const celsius = round(this.#celsius);
    return {
      wifi_sta: {
        connected: true,
        ssid: 'gate-demo',
        ip: '127.0.0.1',
        rssi: -50 - Math.floor(this.#random() * 12),
      },
      cloud: { enabled: false, connected: false },
      mqtt: { connected: false },
      time: new Date(this.#now()).toISOString().slice(11, 16),
      unixtime: this.#seconds(),
      serial: 1,
      has_update: false,
      mac: this.#mac,
      cfg_changed_cnt: 0,
      actions_stats: { skipped: 0 },
      relays: [this.#relay()],
      meters: [this.#meter()],
      temperature: celsius,
      overtemperature: celsius >= OVERHEATED_CELSIUS,
      tmp: { tC: celsius, tF: round(celsius * 1.8 + 32), is_valid: true },
      update: { status: 'idle', has_update: false, new_version: FIRMWARE, old_version: FIRMWARE },
      ram_total: RAM_TOTAL_BYTES,
      ram_free: 38_000 + Math.floor(this.#random() * 1_000),
      fs_size: FS_SIZE_BYTES,
      fs_free: FS_FREE_BYTES,
      uptime: Math.floor((this.#now() - this.#bootedAtMs) / 1000),
    };
  }

  #settings() {
    return {
      device: { type: 'SHPLG-S', mac: this.#mac, hostname: this.#hostname, num_outputs: 1, num_meters: 1 },
      wifi_ap: { enabled: false, ssid: this.#hostname, key: '' },
      wifi_sta: {
        enabled: true,
        ssid: 'gate-demo',
        ipv4_method: 'dhcp',
        ip: null,
        gw: null,
        mask: null,
        dns: null,
      },
      mqtt: { enable: false, server: '192.168.33.3:1883', id: this.#hostname, keep_alive: 60, max_qos: 0 },
      sntp: { server: 'time.google.com', enabled: true },
      login: {
        enabled: this.#login !== undefined,
        unprotected: false,
        username: this.#login?.username ?? 'admin',
      },
      name: null,
      fw: FIRMWARE,
      discoverable: true,
      build_info: { build_id: FIRMWARE, build_timestamp: '2023-09-13T11:25:31Z', build_version: '1.0' },
      cloud: { enabled: false, connected: false },
      timezone: 'Etc/UTC',
      tz_utc_offset: 0,
      time: new Date(this.#now()).toISOString().slice(11, 16),
      unixtime: this.#seconds(),
      hwinfo: { hw_revision: 'prod-190516', batch_id: 1 },
      max_power: MAX_POWER_WATTS,
      led_status_disable: false,
      led_power_disable: false,
      relays: [
        {
          name: null,
          appliance_type: 'General',
          ison: this.#on,
          has_timer: this.#timer !== undefined,
          default_state: 'off',
          auto_on: 0,
          auto_off: 0,
          schedule: false,
          schedule_rules: [],
          max_power: MAX_POWER_WATTS,
        },
      ],
      eco_mode_enabled: true,
    };
  }

  #relay() {
    const { startedAtMs = 0, seconds = 0 } = this.#timer ?? {};
    const remaining = this.#timer ? Math.ceil(seconds - (this.#now() - startedAtMs) / 1000) : 0;
    return {
      ison: this.#on,
      has_timer: this.#timer !== undefined,
      timer_started: Math.floor(startedAtMs / 1000),
      timer_duration: seconds,
      timer_remaining: remaining,
      overpower: this.#overpower,
      source: this.#source,
    };
  }

  #meter() {
    return {
      power: round(this.#powerWatts),
      overpower: 0,
      is_valid: true,
      timestamp: this.#seconds(),
      counters: Array.from({ length: COUNTERS }, (_, index) => round(this.#minutes[index] ?? 0)),
      // watt-minutes
      total: Math.floor(this.#wattMinutes),
    };
  }

  get #hostname(): string {
    return `shellyplug-s-${this.#mac.slice(-6)}`;
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

/** Parameters come in the query or as a form. */
async function readParameters(request: IncomingMessage, url: URL): Promise<URLSearchParams> {
  const parameters = new URLSearchParams(url.search);
  if (request.method !== 'POST') return parameters;
  let form = '';
  for await (const chunk of request) {
    form += chunk;
    if (form.length > FORM_MAX_BYTES) break;
  }
  for (const [name, value] of new URLSearchParams(form)) parameters.set(name, value);
  return parameters;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
