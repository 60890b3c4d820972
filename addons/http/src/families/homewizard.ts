/**
 * HomeWizard Energy, API v1: https://api-documentation.homewizard.com/ (/api, /api/v1/data, /api/v1/state of the Energy
 * Socket). The P1 meter reads the smart meter of a house. Its owner turns the local API on in the maker's app.
 */
import type { JsonObject } from '@gate/addon-sdk';
import { commandedIn, oneOf, within } from './commanded.ts';
import type { Family } from './family.ts';
import { numberOf, objectIn, onOff, otherKind, plainId, present, textOf } from './wire-values.ts';

const SOCKET = 'HWE-SKT';

export const homewizard: Family = {
  typeId: 'bdf0564b-38d0-489d-b46f-4f9196c9712d',
  title: 'HomeWizard Energy',
  services: ['hwenergy'],
  loginMethod: undefined,

  mayBe: ({ service }) => service === 'hwenergy',

  async identify(ask) {
    const said = objectIn(await ask({ method: 'GET', path: '/api' }));
    const [id, model] = [plainId(said['serial']), textOf(said['product_type'])];
    if (id === undefined || model === undefined) throw otherKind(this.title);
    return { id, model, name: textOf(said['product_name']) };
  },

  /** The data have no serial number: who answers is asked for with each reading. */
  async read(ask) {
    const { id, model } = await this.identify(ask);
    const data = objectIn(await ask({ method: 'GET', path: '/api/v1/data' }));
    const state = model === SOCKET ? objectIn(await ask({ method: 'GET', path: '/api/v1/state' })) : {};
    const values = {
      ...valuesOf(data),
      ...present({ state: onOff(state['power_on']), brightness: numberOf(state['brightness']) }),
    };
    return { values, id, raw: { model } };
  },

  commands(values, raw) {
    const names = objectIn(raw)['model'] === SOCKET ? ['state', 'brightness'] : [];
    const body: JsonObject = {};
    for (const wanted of commandedIn(values, names)) {
      if (wanted.name === 'state') body['power_on'] = oneOf(['ON', 'OFF'], wanted) === 'ON';
      else body['brightness'] = within(0, 255, wanted);
    }
    return [{ method: 'PUT', path: '/api/v1/state', body }];
  },

  checkAnswer: () => undefined,
};

function valuesOf(data: JsonObject): JsonObject {
  const at = (key: string) => numberOf(data[key]);
  return present({
    power: at('active_power_w'),
    power_l1: at('active_power_l1_w'),
    power_l2: at('active_power_l2_w'),
    power_l3: at('active_power_l3_w'),
    voltage: at('active_voltage_v'),
    voltage_l1: at('active_voltage_l1_v'),
    voltage_l2: at('active_voltage_l2_v'),
    voltage_l3: at('active_voltage_l3_v'),
    current: at('active_current_a'),
    current_l1: at('active_current_l1_a'),
    current_l2: at('active_current_l2_a'),
    current_l3: at('active_current_l3_a'),
    energy: at('total_power_import_kwh'),
    energy_t1: at('total_power_import_t1_kwh'),
    energy_t2: at('total_power_import_t2_kwh'),
    energy_returned: at('total_power_export_kwh'),
    energy_returned_t1: at('total_power_export_t1_kwh'),
    energy_returned_t2: at('total_power_export_t2_kwh'),
    tariff: at('active_tariff'),
    gas: at('total_gas_m3'),
    water: at('total_liter_m3'),
    water_flow: at('active_liter_lpm'),
    wifi_strength: at('wifi_strength'),
  });
}
