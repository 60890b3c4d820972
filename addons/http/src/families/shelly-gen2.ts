/**
 * Shelly, second generation and later: https://shelly-api-docs.shelly.cloud/gen2/ ("RPC Protocol", "Shelly.GetStatus",
 * components Switch, Light, Cover, EM, EM1, PM1, Temperature, Humidity, DevicePower, Illuminance, Input). Digest with
 * SHA-256 where the owner has set a password, the user is always `admin`; /shelly always answers.
 */
import { AddonError, type JsonObject, type JsonValue } from '@gate/addon-sdk';
import { commandedIn, oneOf, within } from './commanded.ts';
import type { Family, FamilyRequest } from './family.ts';
import {
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

const WH_TO_KWH = 1 / 1_000;
const COVER = { OPEN: 'Open', CLOSE: 'Close', STOP: 'Stop' } as const;
type Values = Record<string, JsonValue | undefined>;

export const shellyGen2: Family = {
  typeId: 'd1bb0a8a-1fa5-4ca4-b11c-ce7493fd1595',
  title: 'Shelly of the second generation or later',
  services: ['shelly', 'http'],
  loginMethod: 'digest',

  mayBe: ({ service, name, txt }) =>
    service === 'shelly' || (/^shelly/i.test(name) && Number(txt['gen'] ?? 0) >= 2),

  async identify(ask) {
    const said = objectIn(await ask({ method: 'GET', path: '/shelly' }));
    const [id, model] = [plainId(said['mac']), textOf(said['app']) ?? textOf(said['model'])];
    if (id === undefined || model === undefined || (numberOf(said['gen']) ?? 0) < 2)
      throw otherKind(this.title);
    return { id, model, name: textOf(said['name']) };
  },

  async read(ask) {
    const raw = await ask({ method: 'GET', path: '/rpc/Shelly.GetStatus' });
    const status = objectIn(raw);
    const sys = objectIn(status, 'sys');
    return { values: valuesOf(status), id: plainId(sys['mac']), uptimeSeconds: numberOf(sys['uptime']), raw };
  },

  commands(values, raw) {
    const status = objectIn(raw);
    const [switches, covers, lights] = [
      channels(status, 'switch'),
      channels(status, 'cover'),
      channels(status, 'light'),
    ];
    const states = switches.length > 0 ? switches : covers.length > 0 ? covers : lights;
    const names = [
      ...states.map((_, at) => numbered('state', at)),
      ...covers.map((_, at) => numbered('position', at)),
      ...lights.map((_, at) => numbered('brightness', at)),
    ];
    return commandedIn(values, names).map((wanted): FamilyRequest => {
      const { name, channel: at } = wanted;
      if (name === 'position')
        return rpc('Cover.GoToPosition', { id: covers[at]?.id ?? 0, pos: within(0, 100, wanted) });
      if (name === 'brightness') {
        const brightness = within(0, 100, wanted);
        return rpc('Light.Set', {
          id: lights[at]?.id ?? 0,
          on: brightness > 0,
          ...(brightness > 0 ? { brightness } : {}),
        });
      }
      const id = states[at]?.id ?? 0;
      if (states === covers) return rpc(`Cover.${COVER[oneOf(['OPEN', 'CLOSE', 'STOP'], wanted)]}`, { id });
      const component = states === switches ? 'Switch' : 'Light';
      const word = oneOf(['ON', 'OFF', 'TOGGLE'], wanted);
      return word === 'TOGGLE'
        ? rpc(`${component}.Toggle`, { id })
        : rpc(`${component}.Set`, { id, on: word === 'ON' });
    });
  },

  checkAnswer(answer) {
    const { error } = objectIn(answer);
    if (error === undefined) return;
    const { code, message } = objectIn(error);
    throw new AddonError(
      'deviceRefused',
      `the device refused it: ${textOf(message) ?? 'no reason'} (${String(code)})`,
      {
        hint: "the words are the device's own: its API documentation explains them",
      },
    );
  },
};

function rpc(method: string, params: JsonObject): FamilyRequest {
  return { method: 'POST', path: '/rpc', body: { id: 1, src: 'gate', method, params } };
}

/** The components of one kind, `switch:0` and on, in the order of their ids. */
function channels(status: JsonObject, kind: string): { id: number; component: JsonObject }[] {
  return Object.keys(status)
    .map((key) => new RegExp(`^${kind}:(\\d{1,4})$`).exec(key)?.[1])
    .filter((id) => id !== undefined)
    .map(Number)
    .sort((one, other) => one - other)
    .map((id) => ({ id, component: objectIn(status, `${kind}:${id}`) }));
}

function valuesOf(status: JsonObject): JsonObject {
  const values: Values = {};
  const each = (kind: string, take: (component: JsonObject, at: number) => void) => {
    for (const [at, { component }] of channels(status, kind).entries()) take(component, at);
  };
  const metered = (component: JsonObject, at: number) => {
    values[numbered('power', at)] = numberOf(component['apower']);
    values[numbered('voltage', at)] = numberOf(component['voltage']);
    values[numbered('current', at)] = numberOf(component['current']);
    values[numbered('energy', at)] = scaled(objectIn(component, 'aenergy')['total'], WH_TO_KWH);
    values[numbered('device_temperature', at)] = numberOf(objectIn(component, 'temperature')['tC']);
  };
  each('switch', (component, at) => {
    values[numbered('state', at)] = onOff(component['output']);
    metered(component, at);
  });
  each('light', (component, at) => {
    values[numbered('state', at)] = onOff(component['output']);
    values[numbered('brightness', at)] = numberOf(component['brightness']);
    metered(component, at);
  });
  each('cover', (component, at) => {
    values[numbered('state', at)] = textOf(component['state'])?.toUpperCase();
    values[numbered('position', at)] = numberOf(component['current_pos']);
    metered(component, at);
  });
  each('pm1', metered);
  each('em1', (component, at) => {
    values[numbered('power', at)] = numberOf(component['act_power']);
    values[numbered('voltage', at)] = numberOf(component['voltage']);
    values[numbered('current', at)] = numberOf(component['current']);
    values[numbered('power_factor', at)] = numberOf(component['pf']);
  });
  each('em1data', (component, at) => {
    values[numbered('energy', at)] = scaled(component['total_act_energy'], WH_TO_KWH);
    values[numbered('energy_returned', at)] = scaled(component['total_act_ret_energy'], WH_TO_KWH);
  });
  each('input', (component, at) => {
    values[numbered('input', at)] = onOff(component['state']);
  });
  each('temperature', (component, at) => {
    values[numbered('temperature', at)] = numberOf(component['tC']);
  });
  each('humidity', (component, at) => {
    values[numbered('humidity', at)] = numberOf(component['rh']);
  });
  each('illuminance', (component, at) => {
    values[numbered('illuminance', at)] = numberOf(component['lux']);
  });
  return {
    ...present(values),
    ...threePhases(status),
    ...present({
      battery: numberOf(objectIn(objectIn(status, 'devicepower:0'), 'battery')['percent']),
      rssi: numberOf(objectIn(status, 'wifi')['rssi']),
      uptime: numberOf(objectIn(status, 'sys')['uptime']),
    }),
  };
}

/** EM and EMData, of the 3EM: the total has the bare name, the phases a, b and c are l1, l2 and l3. */
function threePhases(status: JsonObject): JsonObject {
  const em = objectIn(status, 'em:0');
  const data = objectIn(status, 'emdata:0');
  const values: Values = {
    power: numberOf(em['total_act_power']),
    current: numberOf(em['total_current']),
    energy: scaled(data['total_act'], WH_TO_KWH),
    energy_returned: scaled(data['total_act_ret'], WH_TO_KWH),
  };
  ['a', 'b', 'c'].forEach((phase, at) => {
    const ofPhase = (name: string) => `${name}_l${at + 1}`;
    values[ofPhase('power')] = numberOf(em[`${phase}_act_power`]);
    values[ofPhase('voltage')] = numberOf(em[`${phase}_voltage`]);
    values[ofPhase('current')] = numberOf(em[`${phase}_current`]);
    values[ofPhase('power_factor')] = numberOf(em[`${phase}_pf`]);
    values[ofPhase('energy')] = scaled(data[`${phase}_total_act_energy`], WH_TO_KWH);
    values[ofPhase('energy_returned')] = scaled(data[`${phase}_total_act_ret_energy`], WH_TO_KWH);
  });
  return present(values);
}
