/** A Shelly 3EM, as its maker's Gen1 documentation describes it: three meters of energy and a relay. */
import { type DeviceReply, type DeviceRequest, HttpDevice, type HttpDeviceOptions } from './http-device.ts';

export class Shelly3Em extends HttpDevice {
  on = false;
  /** Watts of each phase. */
  readonly watts = [230.5, 115.25, -40];

  constructor(options: Partial<HttpDeviceOptions> = {}) {
    super({ mac: '7C87CE0000E3', ...options });
  }

  protected services() {
    const name = `shellyem3-${this.mac}`;
    return [{ type: 'http', name, txt: { id: name, fw_id: '20230913-114244', arch: 'esp8266' } }];
  }

  protected answer({ path, query }: DeviceRequest): DeviceReply {
    if (path === '/shelly')
      return { body: { type: 'SHEM-3', mac: this.mac, auth: false, num_outputs: 1, num_meters: 3 } };
    if (path === '/status') return { body: this.#status() };
    if (path !== '/relay/0') return { status: 404, body: 'Not Found' };
    const turn = query.get('turn');
    if (turn !== null && !['on', 'off', 'toggle'].includes(turn)) return { status: 400, body: 'Bad turn!' };
    if (turn !== null) this.on = turn === 'toggle' ? !this.on : turn === 'on';
    return { body: { ison: this.on, has_timer: false, source: 'http', is_valid: true } };
  }

  #status() {
    const emeters = this.watts.map((power, phase) => ({
      power,
      pf: 0.98,
      current: Math.abs(power) / 230,
      voltage: 230 + phase,
      is_valid: true,
      total: 1_000 * (phase + 1),
      total_returned: 10,
    }));
    return {
      wifi_sta: { connected: true, ssid: 'home', ip: '192.168.33.8', rssi: -61 },
      mac: this.mac,
      relays: [{ ison: this.on, has_timer: false, source: 'http', is_valid: true }],
      emeters,
      total_power: this.watts.reduce((sum, watts) => sum + watts, 0),
      uptime: this.uptimeSeconds,
    };
  }
}
