/** A strip with WLED, as https://kno.wled.ge/interfaces/json-api/ describes it. */
import { type DeviceReply, type DeviceRequest, HttpDevice, type HttpDeviceOptions } from './http-device.ts';

interface State {
  on: boolean;
  bri: number;
  ps: number;
  seg: { id: number; col: number[][]; fx: number }[];
}

export class WledStrip extends HttpDevice {
  state: State = { on: true, bri: 128, ps: -1, seg: [{ id: 0, col: [[255, 160, 0]], fx: 0 }] };

  constructor(options: Partial<HttpDeviceOptions> = {}) {
    super({ mac: '30AEA4000DED', ...options });
  }

  protected services() {
    return [{ type: 'wled', name: `wled-${this.mac.slice(-6)}`, txt: { mac: this.mac.toLowerCase() } }];
  }

  protected answer({ method, path, body }: DeviceRequest): DeviceReply {
    if (path === '/json/info') return { body: this.#info() };
    if (path === '/json/si') return { body: { state: this.state, info: this.#info() } };
    if (path !== '/json/state') return { status: 404, body: { error: 4 } };
    if (method === 'POST') this.#set((body ?? {}) as Partial<Omit<State, 'on'>> & { on?: boolean | 't' });
    return { body: method === 'POST' ? { success: true } : this.state };
  }

  #set({ on, bri, ps, seg }: Partial<Omit<State, 'on'>> & { on?: boolean | 't' }): void {
    if (on !== undefined) this.state.on = on === 't' ? !this.state.on : on;
    if (bri !== undefined) this.state.bri = bri;
    if (ps !== undefined) this.state.ps = ps;
    if (seg?.[0]) Object.assign(this.state.seg[0] ?? {}, seg[0]);
  }

  #info() {
    return {
      ver: '0.14.4',
      leds: { count: 60, pwr: 500, maxpwr: 850 },
      name: 'Shelf',
      uptime: this.uptimeSeconds,
      wifi: { bssid: '', rssi: -58, signal: 84, channel: 6 },
      brand: 'WLED',
      mac: this.mac.toLowerCase(),
    };
  }
}
