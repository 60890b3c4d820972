/** A plug with Tasmota, as https://tasmota.github.io/docs/Commands/ describes it: commands in `/cm?cmnd=`. */
import { type DeviceReply, type DeviceRequest, HttpDevice, type HttpDeviceOptions } from './http-device.ts';

export class TasmotaPlug extends HttpDevice {
  on = false;
  dimmer = 40;
  /** The web password of the user `admin`. */
  password: string | undefined;

  constructor(options: Partial<HttpDeviceOptions> & { password?: string } = {}) {
    super({ mac: '24A1600A0B0C', ...options });
    this.password = options.password;
  }

  protected services() {
    return [{ type: 'http', name: `tasmota-${this.mac.slice(-6)}-2828`, txt: { devicetype: 'tasmota' } }];
  }

  protected answer({ path, query }: DeviceRequest): DeviceReply {
    if (path !== '/cm') return { status: 404, body: `File Not Found\nURI: ${path}?${query}` };
    if (
      this.password !== undefined &&
      (query.get('user') !== 'admin' || query.get('password') !== this.password)
    ) {
      return { body: { WARNING: 'Need user=<username>&password=<password>' } };
    }
    const [command = '', argument = ''] = (query.get('cmnd') ?? '').split(' ');
    switch (command.toLowerCase()) {
      case 'status':
        return { body: this.#status() };
      case 'power':
      case 'power1': {
        const word = argument.toUpperCase();
        this.on = word === 'TOGGLE' ? !this.on : word === 'ON';
        return { body: { POWER: this.on ? 'ON' : 'OFF' } };
      }
      case 'dimmer':
        this.dimmer = Number(argument);
        this.on = this.dimmer > 0;
        return { body: { POWER: this.on ? 'ON' : 'OFF', Dimmer: this.dimmer } };
      default:
        return { body: { Command: 'Unknown' } };
    }
  }

  #status() {
    const power = this.on ? 'ON' : 'OFF';
    return {
      Status: {
        Module: 45,
        DeviceName: 'Tasmota',
        FriendlyName: ['Washing machine'],
        Topic: 'tasmota_0A0B0C',
      },
      StatusFWR: { Version: '13.4.0(release-tasmota)' },
      StatusNET: {
        Hostname: 'tasmota-0A0B0C-2828',
        IPAddress: '192.168.33.9',
        Mac: this.mac.replace(/..(?!$)/g, '$&:'),
      },
      StatusSTS: {
        Time: '2026-01-01T00:00:00',
        UptimeSec: this.uptimeSeconds,
        POWER: power,
        Dimmer: this.dimmer,
        Wifi: { SSId: 'home', RSSI: 70, Signal: -65 },
      },
      StatusSNS: {
        Time: '2026-01-01T00:00:00',
        AM2301: { Temperature: 21.4, Humidity: 48.5, DewPoint: 10.1 },
        ENERGY: {
          Total: 12.345,
          Yesterday: 0.5,
          Today: 0.25,
          Power: this.on ? 900 : 0,
          Factor: 0.97,
          Voltage: 229,
          Current: 3.9,
        },
        TempUnit: 'C',
      },
    };
  }
}
