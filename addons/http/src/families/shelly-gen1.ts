/**
 * Shelly, first generation: https://shelly-api-docs.shelly.cloud/gen1/ ("Common HTTP API": /shelly, /status; "Relay",
 * "Light", "Roller", "Meter", "Emeter"). HTTP Basic where the owner has set a login; /shelly always answers.
 */
import type { JsonObject, JsonValue } from '@gate/addon-sdk';
import { commandedIn, oneOf, within } from './commanded.ts';
import type { Family, FamilyRequest } from './family.ts';
import {
  listIn,
  numbered,
  numberOf,
  objectIn,
  onOff,
  otherKind,
  plainId,
  present,
  scaled,
  textOf,
} from './wire-values.ts';

const WATT_MINUTES_TO_KWH = 1 / 60_000;
const WH_TO_KWH = 1 / 1_000;
const PHASES = 3;
const GO = { OPEN: 'open', CLOSE: 'close', STOP: 'stop' } as const;
const TURN = { ON: 'on', OFF: 'off', TOGGLE: 'toggle' } as const;

export const shellyGen1: Family = {
  typeId: '01532db7-a7f1-4645-90ce-c5b8e2e4e3fc',
  title: 'Shelly of the first generation',
  services: ['http'],
  loginMethod: 'basic',

  mayBe: ({ name, txt }) => /^shelly/i.test(name) && txt['gen'] === undefined,

  async identify(ask) {
    const said = objectIn(await ask({ method: 'GET', path: '/shelly' }));
    const [id, model] = [plainId(said['mac']), textOf(said['type'])];
    if (id === undefined || model === undefined || said['gen'] !== undefined) throw otherKind(this.title);
    return { id, model };
  },

  async read(ask) {
    const raw = await ask({ method: 'GET', path: '/status' });
    const status = objectIn(raw);
    const uptimeSeconds = numberOf(status['uptime']);
    return { values: valuesOf(status), id: plainId(status['mac']), uptimeSeconds, raw };
  },

  commands(values, raw) {
    const status = objectIn(raw);
    const [rollers, relays, lights] = [
      listIn(status, 'rollers'),
      listIn(status, 'relays'),
      listIn(status, 'lights'),
    ];
    const names = [
      ...(rollers.length > 0 ? rollers : relays.length > 0 ? relays : lights).map((_, at) =>
        numbered('state', at),
      ),
      ...rollers.map((_, at) => numbered('position', at)),
      ...lights.map((_, at) => numbered('brightness', at)),
    ];
    return commandedIn(values, names).map((wanted): FamilyRequest => {
      const { name, channel } = wanted;
      const get = (path: string): FamilyRequest => ({ method: 'GET', path });
      if (name === 'position')
        return get(`/roller/${channel}?go=to_pos&roller_pos=${within(0, 100, wanted)}`);
      if (name === 'brightness') {
        const brightness = within(0, 100, wanted);
        const resource = resourceOfLight(lights[channel]);
        return get(`/${resource}/${channel}?turn=${brightness > 0 ? 'on' : 'off'}&brightness=${brightness}`);
      }
      if (rollers.length > 0)
        return get(`/roller/${channel}?go=${GO[oneOf(['OPEN', 'CLOSE', 'STOP'], wanted)]}`);
      const turn = TURN[oneOf(['ON', 'OFF', 'TOGGLE'], wanted)];
      return get(
        `/${relays.length > 0 ? 'relay' : resourceOfLight(lights[channel])}/${channel}?turn=${turn}`,
      );
    });
  },

  checkAnswer: () => undefined,
};

/** Bulbs in white and colour and the RGBW2 have resources of their own names; dimmers have /light. */
function resourceOfLight(light: JsonObject | undefined): 'light' | 'white' | 'color' {
  const mode = light?.['mode'];
  return mode === 'white' || mode === 'color' ? mode : 'light';
}

function valuesOf(status: JsonObject): JsonObject {
  const values: Record<string, JsonValue | undefined> = {};
  listIn(status, 'relays').forEach((relay, at) => {
    values[numbered('state', at)] = onOff(relay['ison']);
  });
  listIn(status, 'lights').forEach((light, at) => {
    values[numbered('state', at)] = onOff(light['ison']);
    values[numbered('brightness', at)] = numberOf(light['brightness']) ?? numberOf(light['gain']);
  });
  listIn(status, 'rollers').forEach((roller, at) => {
    values[numbered('state', at)] = textOf(roller['state'])?.toUpperCase();
    values[numbered('position', at)] = numberOf(roller['current_pos']);
  });
  const emeters = listIn(status, 'emeters');
  if (emeters.length === PHASES) Object.assign(values, threePhases(emeters, status));
  else {
    for (const [at, meter] of emeters.entries()) {
      Object.assign(
        values,
        measuredBy(meter, (name) => numbered(name, at)),
      );
    }
  }
  if (emeters.length === 0) {
    listIn(status, 'meters').forEach((meter, at) => {
      values[numbered('power', at)] = numberOf(meter['power']);
      values[numbered('energy', at)] = scaled(meter['total'], WATT_MINUTES_TO_KWH);
    });
  }
  return { ...present(values), ...sensorsOf(status) };
}

function measuredBy(
  meter: JsonObject,
  nameOf: (name: string) => string,
): Record<string, JsonValue | undefined> {
  return {
    [nameOf('power')]: numberOf(meter['power']),
    [nameOf('voltage')]: numberOf(meter['voltage']),
    [nameOf('current')]: numberOf(meter['current']),
    [nameOf('power_factor')]: numberOf(meter['pf']),
    [nameOf('energy')]: scaled(meter['total'], WH_TO_KWH),
    [nameOf('energy_returned')]: scaled(meter['total_returned'], WH_TO_KWH),
  };
}

/** The 3EM: the total has the bare name, the phases are l1, l2 and l3. */
function threePhases(
  emeters: readonly JsonObject[],
  status: JsonObject,
): Record<string, JsonValue | undefined> {
  const sum = (key: string) => {
    const parts = emeters.map((meter) => numberOf(meter[key]));
    return parts.includes(undefined)
      ? undefined
      : parts.reduce<number>((total, part) => total + (part ?? 0), 0);
  };
  return {
    power: numberOf(status['total_power']) ?? sum('power'),
    energy: scaled(sum('total'), WH_TO_KWH),
    energy_returned: scaled(sum('total_returned'), WH_TO_KWH),
    ...Object.assign({}, ...emeters.map((meter, at) => measuredBy(meter, (name) => `${name}_l${at + 1}`))),
  };
}

function sensorsOf(status: JsonObject): JsonObject {
  const { tmp, hum, bat, lux, sensor, wifi_sta: wifi } = status;
  // with `value` it is what a sensor measures, else how warm the device itself is
  const measured = objectIn(tmp)['value'];
  const inCelsius = objectIn(tmp)['units'] === 'F' ? objectIn(tmp)['tC'] : measured;
  return present({
    temperature: numberOf(inCelsius),
    device_temperature:
      measured === undefined ? (numberOf(status['temperature']) ?? numberOf(objectIn(tmp)['tC'])) : undefined,
    humidity: numberOf(objectIn(hum)['value']),
    battery: numberOf(objectIn(bat)['value']),
    illuminance: numberOf(objectIn(lux)['value']),
    contact:
      typeof objectIn(sensor)['state'] === 'string' ? objectIn(sensor)['state'] === 'close' : undefined,
    occupancy: typeof objectIn(sensor)['motion'] === 'boolean' ? objectIn(sensor)['motion'] : undefined,
    water_leak: typeof status['flood'] === 'boolean' ? status['flood'] : undefined,
    smoke: typeof status['smoke'] === 'boolean' ? status['smoke'] : undefined,
    rssi: numberOf(objectIn(wifi)['rssi']),
    uptime: numberOf(status['uptime']),
  });
}
