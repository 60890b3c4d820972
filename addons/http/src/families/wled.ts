/** WLED: https://kno.wled.ge/interfaces/json-api/ (/json/info, /json/si, POST /json/state). It has no login for it. */
import type { JsonObject } from '@gate/addon-sdk';
import { colorOf, commandedIn, oneOf, within } from './commanded.ts';
import type { Family } from './family.ts';
import { listIn, numberOf, objectIn, onOff, otherKind, plainId, present, textOf } from './wire-values.ts';

const NAMES = ['state', 'brightness', 'color', 'effect', 'preset'];

export const wled: Family = {
  typeId: '65cb9bbe-ccc9-4c07-b4d7-14524efb5579',
  title: 'WLED',
  services: ['wled'],
  loginMethod: undefined,

  mayBe: ({ service }) => service === 'wled',

  async identify(ask) {
    const info = objectIn(await ask({ method: 'GET', path: '/json/info' }));
    const [id, version] = [plainId(info['mac']), textOf(info['ver'])];
    if (id === undefined || version === undefined || info['leds'] === undefined) throw otherKind(this.title);
    return { id, model: `${textOf(info['brand']) ?? 'WLED'} ${version}`, name: textOf(info['name']) };
  },

  async read(ask) {
    const raw = await ask({ method: 'GET', path: '/json/si' });
    const info = objectIn(raw, 'info');
    const state = objectIn(raw, 'state');
    const [segment = {}] = listIn(state, 'seg');
    const [red, green, blue] =
      Array.isArray(segment['col']) && Array.isArray(segment['col'][0]) ? segment['col'][0] : [];
    const color = present({ r: numberOf(red), g: numberOf(green), b: numberOf(blue) });
    const uptimeSeconds = numberOf(info['uptime']);
    const values = present({
      state: onOff(state['on']),
      brightness: numberOf(state['bri']),
      color: Object.keys(color).length === 3 ? color : undefined,
      effect: numberOf(segment['fx']),
      preset: numberOf(state['ps']),
      power: powerOf(info),
      rssi: numberOf(objectIn(info, 'wifi')['rssi']),
      uptime: uptimeSeconds,
    });
    return { values, id: plainId(info['mac']), uptimeSeconds, raw };
  },

  /** One request for all of it: the lamp changes once. */
  commands(values) {
    const state: JsonObject = {};
    const segment: JsonObject = {};
    for (const wanted of commandedIn(values, NAMES)) {
      if (wanted.name === 'state') {
        const word = oneOf(['ON', 'OFF', 'TOGGLE'], wanted);
        state['on'] = word === 'TOGGLE' ? 't' : word === 'ON';
      } else if (wanted.name === 'brightness') {
        const brightness = within(0, 255, wanted);
        // 0 would be taken for "off" without the brightness to come back to
        if (brightness === 0) state['on'] = false;
        else state['bri'] = brightness;
      } else if (wanted.name === 'color') segment['col'] = [colorOf(wanted)];
      else if (wanted.name === 'effect') segment['fx'] = within(0, 255, wanted);
      else state['ps'] = within(1, 250, wanted);
    }
    if (Object.keys(segment).length > 0) state['seg'] = [segment];
    return [{ method: 'POST', path: '/json/state', body: state }];
  },

  checkAnswer: () => undefined,
};

/** Its own estimate, in milliamperes at 5 V. */
function powerOf(info: JsonObject): number | undefined {
  const milliamperes = numberOf(objectIn(info, 'leds')['pwr']);
  return milliamperes === undefined || milliamperes === 0
    ? undefined
    : Number((milliamperes * 0.005).toFixed(2));
}
