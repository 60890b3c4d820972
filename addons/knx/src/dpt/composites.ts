/** Bits, and values of several fields: DPT 1, 2, 3, 15, 18, 26, 232 and 251. */
import type { JsonObject } from '@gate/addon-sdk';
import { bitOf, isWhole, objectWith, type ValueCodec } from './codec.ts';

const bit: ValueCodec = {
  bits: 1,
  takes: 'true or false',
  encode(value) {
    const one = bitOf(value);
    return one === undefined ? undefined : Buffer.of(one);
  },
  decode: ([bits = 0]) => (bits <= 1 ? bits === 1 : undefined),
};

/** `control`: the value counts, whatever others say. */
const controlledBit: ValueCodec = {
  bits: 2,
  takes: '{"control": true or false, "value": true or false}',
  encode(given) {
    const { control, value } = objectWith(given, ['control', 'value']) ?? {};
    const [first, second] = [bitOf(control), bitOf(value)];
    return first === undefined || second === undefined ? undefined : Buffer.of((first << 1) | second);
  },
  decode: ([bits = 0]) => (bits <= 3 ? { control: bits >> 1 === 1, value: (bits & 1) === 1 } : undefined),
};

/** Dimming and blinds: 0 stops, 1 is the whole range, 2 half of it, … 7 a 64th. Blinds go down with `up` being false. */
const stepwise: ValueCodec = {
  bits: 4,
  takes: '{"direction": "up" or "down", "step": 0 to 7}',
  encode(given) {
    const { direction, step } = objectWith(given, ['direction', 'step']) ?? {};
    if ((direction !== 'up' && direction !== 'down') || !isWhole(step, 0, 7)) return undefined;
    return Buffer.of((direction === 'up' ? 8 : 0) | step);
  },
  decode: ([bits = 0]) => (bits <= 15 ? { direction: bits & 8 ? 'up' : 'down', step: bits & 7 } : undefined),
};

const ACCESS_FLAGS = ['error', 'permission', 'readLeftToRight', 'encrypted'] as const;
/** Access: six digits, four flags, an index. */
const access: ValueCodec = {
  bits: 32,
  takes: `{"code": "123456", "index": 0 to 15}, and ${ACCESS_FLAGS.join(', ')}: true or false (false)`,
  encode(given) {
    const fields = objectWith(given, ['code', 'index', ...ACCESS_FLAGS]);
    const { code, index = 0 } = fields ?? {};
    const flags = ACCESS_FLAGS.map((flag) => bitOf(fields?.[flag] ?? false));
    if (typeof code !== 'string' || !/^\d{6}$/.test(code) || !isWhole(index, 0, 15)) return undefined;
    if (flags.includes(undefined)) return undefined;
    const last = flags.reduce<number>((bits, flag) => (bits << 1) | (flag ?? 0), 0);
    return Buffer.concat([Buffer.from(code, 'hex'), Buffer.of((last << 4) | index)]);
  },
  decode(raw) {
    const code = raw.subarray(0, 3).toString('hex');
    if (!/^\d{6}$/.test(code)) return undefined;
    const last = raw[3] as number;
    const flags = ACCESS_FLAGS.map((flag, at) => [flag, (last & (0x80 >> at)) !== 0]);
    return { code, index: last & 15, ...Object.fromEntries(flags) };
  },
};

/** `learn`: the actuators store what they show as this scene. Numbers as on the wire, 0 to 63. */
const sceneControl: ValueCodec = {
  bits: 8,
  takes: '{"scene": 0 to 63, "learn": true or false (false)}',
  encode(given) {
    const { learn = false, scene } = objectWith(given, ['learn', 'scene']) ?? {};
    const first = bitOf(learn);
    return first === undefined || !isWhole(scene, 0, 63) ? undefined : Buffer.of((first << 7) | scene);
  },
  decode: ([bits = 0]) => (bits & 0x40 ? undefined : { learn: bits >> 7 === 1, scene: bits & 63 }),
};

/** `active`: whether the scene is on. */
const sceneInfo: ValueCodec = {
  bits: 8,
  takes: '{"scene": 0 to 63, "active": true or false}',
  encode(given) {
    const { active, scene } = objectWith(given, ['active', 'scene']) ?? {};
    const first = bitOf(active);
    return first === undefined || !isWhole(scene, 0, 63) ? undefined : Buffer.of(((1 - first) << 6) | scene);
  },
  decode: ([bits = 0]) => (bits & 0x80 ? undefined : { active: (bits & 0x40) === 0, scene: bits & 63 }),
};

const RGB = ['red', 'green', 'blue'] as const;
const color: ValueCodec = {
  bits: 24,
  takes: '{"red": 0 to 255, "green": 0 to 255, "blue": 0 to 255}',
  encode(given) {
    const fields = objectWith(given, RGB);
    const parts = RGB.map((each) => fields?.[each]);
    return parts.every((part) => isWhole(part, 0, 255)) ? Buffer.from(parts as number[]) : undefined;
  },
  decode: ([red = 0, green = 0, blue = 0]) => ({ red, green, blue }),
};

const RGBW = ['red', 'green', 'blue', 'white'] as const;
/** Four colours, a reserved byte, and which of the four count: a colour that is left out stays as it is. */
const colorWhite: ValueCodec = {
  bits: 48,
  takes: '{"red", "green", "blue", "white"}: 0 to 255 each, one at least',
  encode(given) {
    const fields = objectWith(given, RGBW);
    const parts = RGBW.map((each) => fields?.[each]);
    const known = parts.filter((part) => part !== undefined);
    if (known.length === 0 || !known.every((part) => isWhole(part, 0, 255))) return undefined;
    const mask = parts.reduce<number>((bits, part) => (bits << 1) | (part === undefined ? 0 : 1), 0);
    return Buffer.from([...parts.map((part) => (part as number | undefined) ?? 0), 0, mask]);
  },
  decode(raw) {
    const mask = raw[5] as number;
    const value: JsonObject = {};
    for (const [at, name] of RGBW.entries()) if (mask & (8 >> at)) value[name] = raw[at] as number;
    return mask <= 15 ? value : undefined;
  },
};

export const COMPOSITES: Readonly<Record<number, () => ValueCodec>> = {
  1: () => bit,
  2: () => controlledBit,
  3: () => stepwise,
  15: () => access,
  18: () => sceneControl,
  26: () => sceneInfo,
  232: () => color,
  251: () => colorWhite,
};
