/**
 * Units of what devices send, by the name of the attribute: protocols tell names, not units (docs/guides/http.md and
 * zigbee.md have the names). The second of a kind, a phase and a tariff have the unit of the first. Pure.
 */
const UNITS: Readonly<Record<string, string>> = {
  temperature: '°C',
  device_temperature: '°C',
  local_temperature: '°C',
  soil_temperature: '°C',
  current_heating_setpoint: '°C',
  occupied_heating_setpoint: '°C',
  unoccupied_heating_setpoint: '°C',
  occupied_cooling_setpoint: '°C',
  local_temperature_calibration: '°C',
  humidity: '%',
  soil_moisture: '%',
  battery: '%',
  position: '%',
  pi_heating_demand: '%',
  pressure: 'hPa',
  power: 'W',
  power_apparent: 'VA',
  power_reactive: 'var',
  energy: 'kWh',
  energy_returned: 'kWh',
  energy_today: 'kWh',
  produced_energy: 'kWh',
  voltage: 'V',
  current: 'A',
  ac_frequency: 'Hz',
  illuminance: 'lx',
  co2: 'ppm',
  voc: 'ppb',
  pm25: 'µg/m³',
  pm10: 'µg/m³',
  gas: 'm³',
  water: 'm³',
  rssi: 'dBm',
  uptime: 's',
  color_temp: 'mired',
};
const NUMBERED = /_(l[1-4]|t[1-9]|phase_[abc]|[2-9])$/;

export function unitOf(attribute: string): string | undefined {
  return UNITS[attribute] ?? UNITS[attribute.replace(NUMBERED, '')];
}

/** What a battery-powered device says of its battery is in millivolts where it is larger than any mains voltage. */
export function unitOfValue(attribute: string, value: unknown): string | undefined {
  const unit = unitOf(attribute);
  return unit === 'V' && typeof value === 'number' && value > 1_000 ? 'mV' : unit;
}
