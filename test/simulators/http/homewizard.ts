/** A P1 meter of HomeWizard, as https://api-documentation.homewizard.com/ describes API v1. */
import { type DeviceReply, type DeviceRequest, HttpDevice, type HttpDeviceOptions } from './http-device.ts';

export class HomeWizardP1 extends HttpDevice {
  /** Its owner has turned the local API on in the app. */
  enabled = true;
  watts = 543;

  constructor(options: Partial<HttpDeviceOptions> = {}) {
    super({ mac: '3C39E7AABBCC', ...options });
  }

  protected services() {
    const txt = {
      api_enabled: this.enabled ? '1' : '0',
      path: '/api/v1',
      serial: this.#serial,
      product_type: 'HWE-P1',
    };
    return [{ type: 'hwenergy', name: `p1meter-${this.mac.slice(-6)}`, txt }];
  }

  get #serial(): string {
    return this.mac.toLowerCase();
  }

  protected answer({ path }: DeviceRequest): DeviceReply {
    if (path === '/api') {
      const product = { product_type: 'HWE-P1', product_name: 'P1 meter', serial: this.#serial };
      return { body: { ...product, firmware_version: '5.18', api_version: 'v1' } };
    }
    if (!this.enabled) return { status: 403, body: { error: { id: 202, description: 'API not enabled' } } };
    if (path !== '/api/v1/data') return { status: 404, body: { error: { id: 2, description: 'Not found' } } };
    return {
      body: {
        wifi_ssid: 'home',
        wifi_strength: 84,
        smr_version: 50,
        meter_model: 'ISKRA  2M550T-101',
        active_tariff: 2,
        total_power_import_kwh: 13_779.338,
        total_power_import_t1_kwh: 10_830.511,
        total_power_import_t2_kwh: 2_948.827,
        total_power_export_kwh: 0,
        active_power_w: this.watts,
        active_power_l1_w: this.watts,
        active_voltage_l1_v: 231.1,
        active_current_l1_a: 2.35,
        total_gas_m3: 2_569.646,
      },
    };
  }
}
