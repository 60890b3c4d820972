import assert from 'node:assert/strict';
import {
  checkValues,
  type Feature,
  featuresByProperty,
  readable,
  settable,
} from '../../../../addons/zigbee/src/devices/value-check.ts';

const EXPOSES: Feature[] = [
  {
    type: 'light',
    features: [
      {
        type: 'binary',
        name: 'state',
        property: 'state',
        access: 7,
        value_on: 'ON',
        value_off: 'OFF',
        value_toggle: 'TOGGLE',
      },
      {
        type: 'numeric',
        name: 'brightness',
        property: 'brightness',
        access: 7,
        value_min: 0,
        value_max: 254,
      },
      {
        type: 'composite',
        name: 'color_xy',
        property: 'color',
        access: 7,
        features: [
          { type: 'numeric', name: 'x', property: 'x', access: 7, value_min: 0, value_max: 1 },
          { type: 'numeric', name: 'y', property: 'y', access: 7 },
        ],
      },
    ],
  },
  { type: 'numeric', name: 'temperature', property: 'temperature', access: 1, unit: '°C' },
  {
    type: 'numeric',
    name: 'warmth',
    property: 'warmth',
    access: 2,
    value_min: 150,
    unit: 'mired',
    presets: [{ name: 'coolest', value: 100 }],
  },
  { type: 'enum', name: 'effect', property: 'effect', access: 2, values: ['blink', 'breathe', 3] },
  { type: 'text', name: 'label', property: 'label', access: 7 },
  {
    type: 'list',
    name: 'program',
    property: 'program',
    access: 7,
    length_max: 2,
    item_type: { type: 'numeric', value_max: 9 },
  },
];
const features = featuresByProperty(EXPOSES);
const check = (values: Parameters<typeof checkValues>[0]) =>
  checkValues(values, features, (name) => name === 'transition');

describe('what a Zigbee device is told', () => {
  it('is taken where the model has it, in its range', () => {
    for (const values of [
      { state: 'toggle', brightness: 254, transition: 2 },
      { brightness: 0 },
      { color: { x: 0.3, y: 0.3 } },
      { color: { hex: '#ff0000' } },
      { color: '#ff0000' },
      { warmth: 'coolest' },
      { warmth: 100 },
      { effect: 'BLINK' },
      { effect: 3 },
      { label: 'door' },
      { program: [1, 9] },
    ]) {
      assert.doesNotThrow(() => check(values), JSON.stringify(values));
    }
  });

  for (const [values, message] of [
    [{ brightness: 255 }, '"brightness" must be from 0 to 254, and 255 is not'],
    [{ brightness: '12' }, '"brightness" must be a number, from 0 to 254'],
    [{ brightness: Number.NaN }, '"brightness" must be a number, from 0 to 254'],
    [{ warmth: 149 }, '"warmth" must be at least 150 mired, and 149 is not'],
    [{ state: 'MAYBE' }, '"state" must be one of "ON", "OFF", "TOGGLE"'],
    [{ effect: 'explode' }, '"effect" must be one of blink, breathe, 3'],
    [{ effect: ['blink'] }, '"effect" must be one of blink, breathe, 3'],
    [{ color: { x: 2 } }, '"color.x" must be from 0 to 1, and 2 is not'],
    [{ color: 3 }, '"color" must be an object of x, y'],
    [{ label: 3 }, '"label" must be a text'],
    [{ program: 3 }, '"program" must be a list'],
    [{ program: [1, 2, 3] }, '"program" must have from 0 to 2 entries'],
    [{ program: [10] }, '"program.0" must be at most 9, and 10 is not'],
    [{ temperature: 20 }, '"temperature" can be read, but not set'],
    [{ humidity: 20 }, 'this model has no "humidity"'],
  ] as [Parameters<typeof checkValues>[0], string][]) {
    it(`is refused with what it takes: ${message}`, () => {
      assert.throws(() => check(values), { code: 'badRequest', message });
    });
  }

  it('is named where the model does not have it', () => {
    assert.throws(() => check({ humidity: 20 }), {
      hint: 'it takes state, brightness, color, warmth, effect, label, program',
    });
    assert.deepEqual(readable(features), ['state', 'brightness', 'color', 'label', 'program']);
    assert.equal(settable(features).includes('temperature'), false);
  });
});
