/**
 * A Shelly Plus Plug S, as its maker's Gen2 documentation describes it (https://shelly-api-docs.shelly.cloud/gen2/):
 * RPC over HTTP, component `switch:0`, digest authentication with SHA-256 where a password is set; no keep-alive.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type DeviceReply, type DeviceRequest, HttpDevice, type HttpDeviceOptions } from './http-device.ts';

const LOAD_WATTS = 60;

export class ShellyPlusPlugS extends HttpDevice {
  on = false;
  /** Of the user `admin`; none is asked for without it. */
  password: string | undefined;
  readonly #nonces = new Map<string, number>();
  #wattHours = 0;

  constructor(options: Partial<HttpDeviceOptions> & { password?: string } = {}) {
    super({ mac: 'E86BEA000001', ...options });
    this.password = options.password;
  }

  get id(): string {
    return `shellyplusplugs-${this.mac.toLowerCase()}`;
  }

  protected services() {
    const txt = { gen: '2', app: 'PlusPlugS', ver: '1.0.0' };
    return [
      { type: 'shelly', name: this.id, txt },
      { type: 'http', name: this.id, txt },
    ];
  }

  protected answer(request: DeviceRequest): DeviceReply {
    const { path, method, body, query } = request;
    if (path === '/shelly' || path === '/rpc/Shelly.GetDeviceInfo') return close({ body: this.#info() });
    if (!this.#authorized(request)) return close(this.#challenge());
    if (path === '/rpc' && method === 'POST') {
      const frame = body as { id?: number; method?: string; params?: Record<string, unknown> } | undefined;
      if (typeof frame?.method !== 'string') return close({ status: 400, body: 'Bad frame' });
      const outcome = this.#call(frame.method, frame.params ?? {});
      return close({
        status: 'error' in outcome ? 500 : 200,
        body: { id: frame.id, src: this.id, ...outcome },
      });
    }
    const called = /^\/rpc\/([\w.]+)$/.exec(path)?.[1];
    if (called === undefined) return close({ status: 404, body: 'Not Found' });
    const params = Object.fromEntries([...query].map(([key, value]) => [key, JSON.parse(value)]));
    const outcome = this.#call(called, params);
    return 'error' in outcome ? close({ status: 500, body: outcome.error }) : close({ body: outcome.result });
  }

  #call(method: string, { id, on }: Record<string, unknown>): { result: unknown } | { error: object } {
    if (method === 'Shelly.GetStatus') return { result: this.#status() };
    if (!method.startsWith('Switch.')) return { error: { code: 404, message: `No handler for ${method}` } };
    if (id !== 0) return { error: { code: -105, message: `Argument 'id', value ${id} not found!` } };
    const was = this.on;
    if (method === 'Switch.Set') this.on = on === true;
    else if (method === 'Switch.Toggle') this.on = !this.on;
    else return { result: this.#status()['switch:0'] };
    return { result: { was_on: was } };
  }

  #status() {
    this.#wattHours += this.on ? 0.1 : 0;
    return {
      sys: { mac: this.mac, restart_required: false, uptime: this.uptimeSeconds, ram_free: 123_456 },
      wifi: { sta_ip: '192.168.33.7', status: 'got ip', ssid: 'home', rssi: -55 },
      'switch:0': {
        id: 0,
        source: 'HTTP_in',
        output: this.on,
        apower: this.on ? LOAD_WATTS : 0,
        voltage: 230.4,
        current: this.on ? 0.26 : 0,
        aenergy: { total: this.#wattHours, by_minute: [0, 0, 0], minute_ts: Math.floor(this.now() / 1_000) },
        temperature: { tC: 38.2, tF: 100.8 },
      },
    };
  }

  #info() {
    return {
      name: null,
      id: this.id,
      mac: this.mac,
      model: 'SNPL-00112EU',
      gen: 2,
      fw_id: '20231107-162609/1.0.0-g34b5d4f',
      ver: '1.0.0',
      app: 'PlusPlugS',
      auth_en: this.password !== undefined,
      auth_domain: this.password === undefined ? null : this.id,
    };
  }

  /** A nonce is good for as long as nc grows, at most 10 times. */
  #authorized({ headers: { authorization = '' }, method, url }: DeviceRequest): boolean {
    if (this.password === undefined) return true;
    const fields = new Map(
      [...authorization.matchAll(/(\w+)="?([^",]*)"?/g)].map(([, key = '', value = '']) => [key, value]),
    );
    const sha = (text: string) => createHash('sha256').update(text).digest('hex');
    const [nonce = '', nc = '', cnonce = ''] = ['nonce', 'nc', 'cnonce'].map((key) => fields.get(key));
    const last = this.#nonces.get(nonce);
    const count = Number.parseInt(nc, 16);
    if (last === undefined || !(count > last) || count > 10 || fields.get('uri') !== url) return false;
    const secret = sha(`admin:${this.id}:${this.password}`);
    if (fields.get('response') !== sha(`${secret}:${nonce}:${nc}:${cnonce}:auth:${sha(`${method}:${url}`)}`))
      return false;
    this.#nonces.set(nonce, count);
    return true;
  }

  #challenge(): DeviceReply {
    const nonce = randomBytes(8).toString('hex');
    this.#nonces.set(nonce, 0);
    const value = `Digest qop="auth", realm="${this.id}", nonce="${nonce}", algorithm=SHA-256`;
    return { status: 401, headers: { 'www-authenticate': value }, body: '' };
  }
}

function close(reply: DeviceReply): DeviceReply {
  return { ...reply, headers: { ...reply.headers, connection: 'close' } };
}
