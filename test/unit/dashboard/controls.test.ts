/** Which controls a device gets, and how its values are read. */
import assert from 'node:assert/strict';
import http from '../../../addons/http/addon.json' with { type: 'json' };
import told from '../../../addons/zigbee/settable.json' with { type: 'json' };
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
const typeOf = (properties: Record<string, unknown>) =>
  ({ settable: { type: 'object', properties } }) as unknown as DeviceType;
/** As the catalogue has it. */
function zigbee(model: string): DeviceType {
  const type = catalogue.find((each) => each.model === model);
  const settable = told.find(({ types }) => types.includes(type?.id ?? ''))?.settable;
  return { ...type, settable } as unknown as DeviceType;
}
const family = (model: string) => http.types.find((each) => each.model === model) as unknown as DeviceType;
const values = (given: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { value: value as string, at: 1 }]));
const kinds = (controls: ReturnType<typeof controlsOf>) =>
  controls.map(({ kind, name }) => `${kind} ${name}`);

describe('the controls of a device', () => {
  it('are made of what its type can be told, with its own ranges; how it behaves is apart', () => {
    const made = controlsOf(device(), zigbee('RB 285 C'), {});
    assert.deepEqual(kinds(made), [
      'switch state',
      'slider brightness',
      'slider color_temp',
      'slider color_temp_startup',
      'colour color',
      'choice effect',
      'choice power_on_behavior',
    ]);
    assert.deepEqual(made[2], {
      kind: 'slider',
      name: 'color_temp',
      isSetting: false,
      min: 153,
      max: 555,
      step: 1,
      unit: 'mired',
    });
    assert.deepEqual(
      made.filter(({ isSetting }) => isSetting).map(({ name }) => name),
      ['color_temp_startup', 'power_on_behavior'],
    );
    assert.deepEqual(kinds(controlsOf(device(), zigbee('WSDCGQ11LM'), {})), []);
  });

  it('of a blind are its ways, and of a thermostat its steps', () => {
    assert.deepEqual(kinds(controlsOf(device(), zigbee('AM25'), {})), ['cover state', 'slider position']);
    const [setpoint, calibration, mode] = controlsOf(device(), zigbee('TRVZB'), {});
    assert.deepEqual(setpoint, {
      kind: 'setpoint',
      name: 'occupied_heating_setpoint',
      isSetting: false,
      min: 4,
      max: 35,
      step: 0.5,
      unit: '°C',
    });
    assert.equal(calibration?.kind, 'setpoint');
    assert.deepEqual(mode?.kind === 'choice' && mode.choices, ['off', 'auto', 'heat']);
  });

  it('are fields where a finger would not find its place, or where there is no range', () => {
    const made = controlsOf(
      device(),
      typeOf({
        countdown: { type: 'number', minimum: 0, maximum: 43_200, step: 1, unit: 's' },
        schedule: { type: 'string' },
        offset: { type: 'number' },
        share: { type: 'number', minimum: 0, maximum: 1 },
        identify: { enum: ['identify'] },
        deep: { type: 'array' },
        odd: 7,
      }),
      {},
    );
    assert.deepEqual(kinds(made), [
      'entry countdown',
      'entry schedule',
      'entry offset',
      'slider share',
      'choice identify',
    ]);
    const [countdown, , , share] = made;
    assert.deepEqual(countdown?.kind === 'entry' && [countdown.min, countdown.max], [0, 43_200]);
    assert.equal(share?.kind === 'slider' && share.step, 0.01);
  });

  it('of a type that says nothing are none', () => {
    assert.deepEqual(controlsOf(device(), {} as DeviceType, {}), []);
    assert.deepEqual(controlsOf(device(), undefined, {}), []);
    assert.deepEqual(controlsOf(device({ isVirtual: true }), zigbee('RB 285 C'), {}), []);
  });

  it('of an HTTP device are those of what it has sent: its family has more', () => {
    assert.deepEqual(kinds(controlsOf(device(), family('GEN1'), values({ state: 'ON' }))), ['switch state']);
    const shutter = controlsOf(device(), family('GEN1'), values({ state: 'OPENING', position: 3 }));
    assert.deepEqual(kinds(shutter), ['cover state', 'slider position']);
    const two = controlsOf(device(), family('GEN2+'), values({ state: 'ON', state_2: 'OFF', power_2: 3 }));
    assert.deepEqual(kinds(two), ['switch state', 'switch state_2']);
    const broken = { settable: { type: 'object', patternProperties: { '(': { type: 'string' } } } };
    assert.deepEqual(controlsOf(device(), broken as unknown as DeviceType, values({ state: 'ON' })), []);
    const [brightness, colour] = controlsOf(device(), family('WLED'), values({ brightness: 1, color: {} }));
    assert.deepEqual(brightness?.kind === 'slider' && [brightness.min, brightness.max], [0, 255]);
    assert.equal(colour?.kind === 'colour' && colour.form, 'rgb');
  });

  it('in a card of the overview is a switch that is one, and no lock', () => {
    assert.equal(mainSwitch(device(), zigbee('RB 285 C'), {})?.name, 'state');
    const lock = { state: { enum: ['LOCK', 'UNLOCK'], on: 'LOCK', off: 'UNLOCK' } };
    assert.equal(mainSwitch(device(), typeOf(lock), {}), undefined);
    assert.deepEqual(kinds(controlsOf(device(), typeOf(lock), {})), ['switch state']);
    const other = { child_lock: { enum: ['ON', 'OFF'], on: 'ON', off: 'OFF' } };
    assert.equal(mainSwitch(device(), typeOf(other), {}), undefined);
  });

  it('of a KNX device are its datapoints that may be written', () => {
    const datapoints = [
      { name: 'light', dpt: '1.001' },
      { name: 'level', dpt: '5.001' },
      { name: 'room', dpt: '9.001', flags: ['read', 'listen'] },
      { name: 'wanted', dpt: '9.001' },
      { name: 'text', dpt: '16.000' },
      { name: 'strip', dpt: '232.600' },
      { name: 'date', dpt: '11.001' },
    ];
    const knx = device({ parameters: { datapoints } });
    assert.deepEqual(kinds(controlsOf(knx, undefined, {})), [
      'switch light',
      'slider level',
      'setpoint wanted',
      'entry text',
      'colour strip',
    ]);
    for (const dpt of ['1.001', 'DPST-1-1', 'DPT-1', '1']) {
      const single = device({ parameters: { group_address: '1/2/3', dpt } });
      assert.deepEqual(kinds(controlsOf(single, undefined, {})), ['switch value'], dpt);
      assert.equal(mainSwitch(single, undefined, {})?.on, true);
    }
    const heard = { group_address: '1/2/3', dpt: '1.001', flags: ['listen'] };
    assert.deepEqual(controlsOf(device({ parameters: heard }), undefined, {}), []);
    const light = { kind: 'switch', name: 'light', isSetting: false, on: true, off: false };
    assert.deepEqual(mainSwitch(knx, undefined, {}), light);
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
    const names = { red: 255, green: 128, blue: 1 };
    assert.deepEqual([colourTold('#ff8001', 'names'), colourShown(names)], [names, '#ff8001']);
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
