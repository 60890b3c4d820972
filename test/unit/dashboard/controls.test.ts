/** Which controls a device gets, and how its values are read. */
import assert from 'node:assert/strict';
import catalogue from '../../../addons/zigbee/types.json' with { type: 'json' };
import type { Device, DeviceType } from '../../../src/dashboard/api/answers.ts';
import { colourShown, colourTold } from '../../../src/dashboard/devices/colour.ts';
import { controlsOf, mainSwitch } from '../../../src/dashboard/devices/controls.ts';
import {
  attributesIn,
  namesAtAGlance,
  namesInOrder,
  unitBeside,
} from '../../../src/dashboard/devices/values.ts';
import { troublesOf } from '../../../src/dashboard/gateway/troubles.ts';
import { unitOf, unitOfValue } from '../../../src/dashboard/text/units.ts';

const device = (more: Partial<Device> = {}) => ({ isVirtual: false, parameters: {}, ...more }) as Device;
const zigbee = (features: string[]) => ({ addOn: '@instathings/gate-addon-zigbee', features }) as DeviceType;
const values = (given: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { value: value as string, at: 1 }]));
const kinds = (controls: ReturnType<typeof controlsOf>) =>
  controls.map(({ kind, name }) => `${kind} ${name}`);

describe('the controls of a device', () => {
  it('are those that the names of its type make certain', () => {
    const bulb = catalogue.find(({ model }) => model === 'RB 285 C');
    const made = controlsOf(device(), zigbee(bulb?.features ?? []), {});
    assert.deepEqual(kinds(made), ['switch state', 'slider brightness', 'slider color_temp', 'colour color']);
    const cover = controlsOf(device(), zigbee(['state', 'position']), {});
    assert.deepEqual(kinds(cover), ['cover state', 'slider position']);
    assert.deepEqual(kinds(controlsOf(device(), zigbee(['occupied_heating_setpoint', 'battery']), {})), [
      'setpoint occupied_heating_setpoint',
    ]);
    assert.deepEqual(controlsOf(device(), zigbee(['temperature', 'humidity', 'action']), {}), []);
  });

  it('of an HTTP device are those of what it has sent: its family has more', () => {
    const family = {
      addOn: '@x/http',
      manufacturer: 'Shelly',
      features: ['state', 'position', 'brightness'],
    };
    const plug = controlsOf(device(), family as DeviceType, values({ state: 'ON' }));
    assert.deepEqual(kinds(plug), ['switch state']);
    const shutter = controlsOf(device(), family as DeviceType, values({ state: 'OPENING', position: 3 }));
    assert.deepEqual(kinds(shutter), ['cover state', 'slider position']);
    const strip = { ...family, manufacturer: 'WLED' } as DeviceType;
    const [brightness] = controlsOf(device(), strip, values({ brightness: 1 }));
    assert.deepEqual(brightness?.kind === 'slider' && [brightness.min, brightness.max], [0, 255]);
  });

  it('of a KNX device are its datapoints that may be written', () => {
    const datapoints = [
      { name: 'light', dpt: '1.001' },
      { name: 'level', dpt: '5.001' },
      { name: 'room', dpt: '9.001', flags: ['read', 'listen'] },
      { name: 'wanted', dpt: '9.001' },
      { name: 'text', dpt: '16.000' },
    ];
    const knx = device({ parameters: { datapoints } });
    assert.deepEqual(kinds(controlsOf(knx, undefined, {})), [
      'switch light',
      'slider level',
      'setpoint wanted',
    ]);
    assert.deepEqual(mainSwitch(knx, undefined, {}), { kind: 'switch', name: 'light', on: true, off: false });
    assert.deepEqual(controlsOf(device({ isVirtual: true }), zigbee(['state']), {}), []);
  });
});

describe('the values of a device', () => {
  it('of an HTTP device are those in its wrapper', () => {
    assert.deepEqual(attributesIn({ type: 'data', message: { data: { power: 3 } } }), { power: 3 });
    assert.deepEqual(attributesIn({ type: 'data', message: { data: 7 } }), { data: 7 });
    assert.deepEqual(attributesIn({ type: 'data', other: 1 }), { type: 'data', other: 1 });
    assert.deepEqual(attributesIn({ temperature: 3 }), { temperature: 3 });
  });

  it('begin with what is of most use, units apart', () => {
    const some = values({
      linkquality: 1,
      humidity: 2,
      odd: 3,
      temperature: 4,
      temperature_unit: 'K',
      list: [],
    });
    assert.deepEqual(namesAtAGlance(some, 3), ['temperature', 'humidity', 'odd']);
    assert.deepEqual(namesInOrder(some), ['temperature', 'humidity', 'odd', 'linkquality', 'list']);
    assert.equal(unitBeside('temperature', some), 'K');
    assert.deepEqual(namesAtAGlance(values({ linkquality: 1 }), 3), ['linkquality']);
  });

  it('have units by their names, the second of a kind that of the first', () => {
    assert.equal(unitOf('power_l2'), 'W');
    assert.equal(unitOf('temperature_2'), '°C');
    assert.equal(unitOf('whatever'), undefined);
    assert.equal(unitOfValue('voltage', 2_900), 'mV');
    assert.equal(unitOfValue('voltage', 230), 'V');
  });
});

describe('a colour', () => {
  it('is read in each form that devices have', () => {
    assert.equal(colourShown({ hex: '#FF8800' }), '#ff8800');
    assert.equal(colourShown({ r: 255, g: 0, b: 16 }), '#ff0010');
    assert.equal(colourShown({ hue: 0, saturation: 100 }), '#ff0000');
    assert.equal(colourShown({ hue: 120, saturation: 100 }), '#00ff00');
    // the white of sRGB, IEC 61966-2-1
    const white = colourShown({ x: 0.3127, y: 0.329 }) ?? '';
    assert.ok(
      [1, 3, 5].every((at) => Number.parseInt(white.slice(at, at + 2), 16) > 250),
      white,
    );
    assert.equal(colourShown({ x: 0.3, y: 0 }), undefined);
    assert.equal(colourShown('red'), undefined);
  });

  it('is told as the device takes it', () => {
    assert.deepEqual(colourTold('#ff8001', 'rgb'), { r: 255, g: 128, b: 1 });
    assert.deepEqual(colourTold('#ff8001', 'hex'), { hex: '#ff8001' });
  });
});

describe('what is wrong with the gateway', () => {
  it('begins with the worst, says where it is mended, and leaves out what is only stopped', () => {
    const part = (state: 'running' | 'degraded' | 'failed' | 'stopped' | 'starting', reason?: string) => ({
      state,
      since: 1,
      ...(reason === undefined ? {} : { reason }),
    });
    const troubles = troublesOf({
      status: 'degraded',
      parts: {
        store: part('running'),
        cloud: part('degraded', 'no route'),
        'addon:knx': part('failed', 'no server'),
        'addon:http': part('starting'),
        'addon:virtual': part('stopped'),
      },
    });
    assert.deepEqual(
      troubles.map(({ part: name, mend, href }) => [name, mend, href]),
      [
        ['addon:knx', 'addon', '#/protocols/knx'],
        ['cloud', 'cloud', undefined],
      ],
    );
    assert.deepEqual(troublesOf({ status: 'ready' }), []);
  });
});
