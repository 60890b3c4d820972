/**
 * Tasmota: https://tasmota.github.io/docs/Commands/ ("with Web Requests": /cm?cmnd=…), Status 0 and its parts
 * StatusNET, StatusFWR, StatusSTS, StatusSNS. A web password goes along in the query, as user and password.
 */
import { AddonError, isJsonObject, type JsonObject, type JsonValue } from '@gate/addon-sdk';
import { commandedIn, oneOf, within } from './commanded.ts';
import type { Ask, Family, FamilyRequest } from './family.ts';
import { numbered, numberOf, objectIn, otherKind, plainId, present, textOf } from './wire-values.ts';

type Values = Record<string, JsonValue | undefined>;
/** What sensors of many kinds call what they measure, and what it is called here. */
const MEASURED = {
  Temperature: 'temperature',
  Humidity: 'humidity',
  Pressure: 'pressure',
  Illuminance: 'illuminance',
  CarbonDioxide: 'co2',
} as const;

export const tasmota: Family = {
  typeId: '2d0568e2-8579-45d2-9672-7e8db02e7278',
  title: 'Tasmota',
  services: ['http'],
  loginMethod: 'query',

  mayBe: ({ name, txt }) => /tasmota/i.test(name) || txt['devicetype'] === 'tasmota',

  async identify(ask) {
    const said = await status(ask);
    const id = plainId(objectIn(said, 'StatusNET')['Mac']);
    if (id === undefined) throw otherKind(this.title);
    const { DeviceName, FriendlyName, Module } = objectIn(said, 'Status');
    const name = textOf(DeviceName) ?? textOf(Array.isArray(FriendlyName) ? FriendlyName[0] : undefined);
    const version = textOf(objectIn(said, 'StatusFWR')['Version']);
    return { id, model: version ? `Tasmota ${version}` : `Tasmota module ${String(Module ?? '?')}`, name };
  },

  async read(ask) {
    const said = await status(ask);
    const sts = objectIn(said, 'StatusSTS');
    return {
      values: { ...valuesOf(sts), ...measuredIn(objectIn(said, 'StatusSNS')) },
      id: plainId(objectIn(said, 'StatusNET')['Mac']),
      uptimeSeconds: numberOf(sts['UptimeSec']),
      raw: said,
    };
  },

  commands(values, raw) {
    const sts = objectIn(raw, 'StatusSTS');
    const powers = powersOf(sts);
    const names = [
      ...powers.map((_, at) => numbered('state', at)),
      ...(numberOf(sts['Dimmer']) === undefined ? [] : ['brightness']),
      ...(numberOf(sts['CT']) === undefined ? [] : ['color_temp']),
    ];
    return commandedIn(values, names).map((wanted) => {
      const { name, channel } = wanted;
      if (name === 'brightness') return command(`Dimmer ${within(0, 100, wanted)}`);
      if (name === 'color_temp') return command(`CT ${within(153, 500, wanted)}`);
      return command(`Power${channel + 1} ${oneOf(['ON', 'OFF', 'TOGGLE'], wanted)}`);
    });
  },

  checkAnswer: demandDone,
};

async function status(ask: Ask): Promise<JsonObject> {
  const said = await ask(command('Status 0'));
  demandDone(said);
  return objectIn(said);
}

function command(text: string): FamilyRequest {
  return { method: 'GET', path: `/cm?cmnd=${encodeURIComponent(text)}` };
}

/** It says no with status 200. @throws AddonError deviceRefused */
function demandDone(answer: JsonValue): void {
  const { WARNING, Command, Error: error } = objectIn(answer);
  const words =
    textOf(WARNING) ?? textOf(error) ?? (Command === undefined ? undefined : `Command ${String(Command)}`);
  if (words === undefined) return;
  throw new AddonError('deviceRefused', `the device refused it: ${words}`, {
    hint: WARNING === undefined ? "the words are the device's own" : 'is "authentication" right?',
  });
}

/** `POWER` of a device with one, `POWER1` and on of one with several. */
function powersOf(sts: JsonObject): (string | undefined)[] {
  if (textOf(sts['POWER']) !== undefined) return [textOf(sts['POWER'])];
  const powers: (string | undefined)[] = [];
  for (let at = 1; textOf(sts[`POWER${at}`]) !== undefined; at += 1) powers.push(textOf(sts[`POWER${at}`]));
  return powers;
}

function valuesOf(sts: JsonObject): JsonObject {
  const values: Values = {};
  powersOf(sts).forEach((power, at) => {
    values[numbered('state', at)] = power?.toUpperCase();
  });
  values['brightness'] = numberOf(sts['Dimmer']);
  values['color_temp'] = numberOf(sts['CT']);
  values['rssi'] = numberOf(objectIn(sts, 'Wifi')['Signal']);
  values['uptime'] = numberOf(sts['UptimeSec']);
  return present(values);
}

function measuredIn(sns: JsonObject): JsonObject {
  const { ENERGY, ...sensors } = sns;
  const energy = objectIn(ENERGY);
  // a meter of several phases has a list in place of each number
  const phases = (value: JsonValue | undefined) => (Array.isArray(value) ? value : [value]);
  const values: Values = { energy: numberOf(energy['Total']), energy_today: numberOf(energy['Today']) };
  for (const [theirs, ours] of [
    ['Power', 'power'],
    ['Voltage', 'voltage'],
    ['Current', 'current'],
    ['Factor', 'power_factor'],
  ] as const) {
    phases(energy[theirs]).forEach((value, at) => {
      values[numbered(ours, at)] = numberOf(value);
    });
  }
  const fahrenheit = sns['TempUnit'] === 'F';
  for (const sensor of Object.values(sensors).filter(isJsonObject)) {
    for (const [theirs, ours] of Object.entries(MEASURED)) {
      const value = numberOf(sensor[theirs]);
      if (value === undefined) continue;
      let at = 0;
      while (values[numbered(ours, at)] !== undefined) at += 1;
      const inCelsius = ours === 'temperature' && fahrenheit;
      values[numbered(ours, at)] = inCelsius ? Number((((value - 32) * 5) / 9).toFixed(2)) : value;
    }
  }
  return present(values);
}
