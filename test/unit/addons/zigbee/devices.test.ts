/** Steps of an interview, repeated frames, availability, parameters, candidates of a scan. */
import assert from 'node:assert/strict';
import { Availability, type WatchedDevice } from '../../../../addons/zigbee/src/devices/availability.ts';
import { commandFailure } from '../../../../addons/zigbee/src/devices/command-failure.ts';
import { REPEAT_WINDOW_MS, RepeatedFrames } from '../../../../addons/zigbee/src/devices/repeated-frames.ts';
import { stepReached } from '../../../../addons/zigbee/src/pairing/interview-step.ts';
import { parseWishes } from '../../../../addons/zigbee/src/pairing/pairing-parameters.ts';
import { announcedCandidate, candidateOf } from '../../../../addons/zigbee/src/stick/stick-scan.ts';
import { catalogueType } from '../../../../addons/zigbee/src/type-file.ts';
import { typeIdOf } from '../../../../addons/zigbee/src/type-id.ts';
import { ManualClock } from '../manual-clock.ts';

describe('the interview of a Zigbee device', () => {
  const described = { profileID: 260, inputClusters: [0], outputClusters: [] };
  const undescribed = { inputClusters: [], outputClusters: [] };
  for (const [device, step] of [
    [{ type: 'Unknown', endpoints: [] }, 'nodeDescriptor'],
    [{ type: 'Router', endpoints: [] }, 'activeEndpoints'],
    [{ type: 'Router', modelID: 'x', endpoints: [described, undescribed] }, 'simpleDescriptor'],
    [{ type: 'EndDevice', endpoints: [described] }, 'basicRead'],
    [
      { type: 'EndDevice', modelID: 'x', endpoints: [{ ...described, inputClusters: [0, 0x500] }] },
      'iasEnrol',
    ],
  ] as [Parameters<typeof stepReached>[0], string][]) {
    it(`is known to have come to ${step}`, () => assert.equal(stepReached(device), step));
  }
});

describe('a frame that came twice', () => {
  const frame = {
    ieeeAddress: '0x1',
    endpoint: 1,
    cluster: 'genOnOff',
    type: 'report',
    transaction: 7,
    data: { onOff: 1 },
  };

  it('is recognised for a short while', () => {
    const frames = new RepeatedFrames();
    assert.equal(frames.isRepeat(frame, 0), false);
    assert.equal(frames.isRepeat({ ...frame }, 10), true);
    assert.equal(frames.isRepeat(frame, 10 + REPEAT_WINDOW_MS), false);
  });

  it('is another one with another number, value or sender, and without a number', () => {
    const frames = new RepeatedFrames();
    frames.isRepeat(frame, 0);
    for (const other of [
      { transaction: 8 },
      { data: { onOff: 0 } },
      { ieeeAddress: '0x2' },
      { transaction: undefined },
    ]) {
      assert.equal(frames.isRepeat({ ...frame, ...other }, 1), false);
    }
    assert.equal(frames.isRepeat({ ...frame, transaction: 9, data: { big: 1n } }, 1), false);
  });
});

describe('the availability of Zigbee devices', () => {
  const SETTINGS = { pingMs: 60_000, silentMs: 3_600_000 };

  function watched(device: Partial<WatchedDevice> & { ping?: () => Promise<void> }) {
    const clock = new ManualClock();
    const said: string[] = [];
    const availability = new Availability({
      clock,
      random: () => 0.5,
      log: { info: () => undefined, error: () => undefined },
      devices: () => [{ ieeeAddress: '0x1', isSleepy: false, ping: () => Promise.resolve(), ...device }],
      say: (_, online, reason) => {
        const words = `${online}${reason === undefined ? '' : `: ${reason}`}`;
        if (said.at(-1) !== words) said.push(words);
      },
    });
    availability.configure(SETTINGS);
    availability.start();
    return { clock, said, availability };
  }

  it('asks a mains device that was silent, and misses it when it does not answer twice', async () => {
    let answers = true;
    let pings = 0;
    const { clock, said } = watched({
      ping: () => {
        pings += 1;
        return answers ? Promise.resolve() : Promise.reject(new Error('no'));
      },
    });
    await clock.advance(10_000);
    assert.deepEqual([pings, said], [1, ['true']]);
    answers = false;
    await clock.advance(55_000);
    assert.deepEqual([pings, said], [2, ['true']]);
    await clock.advance(10_000);
    assert.deepEqual([pings, said], [3, ['true', 'false: it does not answer']]);
    answers = true;
    await clock.advance(120_000);
    assert.equal(said.at(-1), 'true');
  });

  it('leaves a device alone that speaks', async () => {
    let pings = 0;
    const { clock, availability } = watched({
      ping: () => {
        pings += 1;
        return Promise.resolve();
      },
    });
    for (let minute = 0; minute < 10; minute += 1) {
      availability.heard('0x1');
      await clock.advance(50_000);
    }
    assert.equal(pings, 0);
  });

  it('waits long for one that sleeps', async () => {
    const { clock, said, availability } = watched({
      isSleepy: true,
      ping: () => Promise.reject(new Error('never')),
    });
    availability.heard('0x1');
    await clock.advance(3_599_000);
    assert.deepEqual(said, ['true']);
    await clock.advance(3_000);
    assert.deepEqual(said, ['true', 'false: nothing was heard of it for an hour']);
  });
});

describe('a Zigbee pairing’s parameters', () => {
  it('have their defaults', () => {
    assert.deepEqual(parseWishes({}), { joinSeconds: 30 });
    assert.deepEqual(
      parseWishes({ joinSeconds: 60, parameters: { ieeeAddress: '0x00158D0000000001', touchlink: true } }),
      {
        joinSeconds: 60,
        ieeeAddress: '0x00158d0000000001',
        touchlink: true,
      },
    );
  });

  it('are refused by name', () => {
    for (const [parameters, name] of [
      [{ ieeeAddress: '158d' }, 'ieeeAddress'],
      [{ installCode: 3 }, 'installCode'],
      [{ touchlink: 'yes' }, 'touchlink'],
    ] as [Record<string, string>, string][]) {
      assert.throws(() => parseWishes({ parameters }), {
        code: 'badRequest',
        message: new RegExp(`"${name}"`),
      });
    }
    assert.throws(() => parseWishes({ joinSeconds: 255 }), { message: /"joinSeconds"/ });
  });

  it('name a type that the catalogue has', async () => {
    const id = typeIdOf('Innr', 'RB 285 C');
    const type = await catalogueType(id);
    assert.deepEqual([type?.id, type?.manufacturer, type?.pairingMethods], [id, 'Innr', ['touchlink']]);
    assert.equal(await catalogueType('none'), undefined);
  });
});

describe('a coordinator that a scan finds', () => {
  const BY_ID = '/dev/serial/by-id/usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_V2_20240122184111-if00';

  it('is told by its stable path, its maker and its likely adapter', () => {
    const port = { path: '/dev/ttyACM0', manufacturer: 'ITEAD', vendorId: '1a86', productId: '55d4' };
    assert.deepEqual(candidateOf(port, BY_ID), {
      label: `ITEAD: ${BY_ID} (a coordinator, likely "ember")`,
      parameters: { port: BY_ID, adapter: 'ember' },
    });
  });

  it('is a serial port where nothing tells more', () => {
    const { label, parameters } = candidateOf(
      { path: '/dev/ttyUSB0', vendorId: '1a86', productId: '7523' },
      undefined,
    );
    assert.match(label, /cannot be told from outside/);
    assert.deepEqual(parameters, { port: '/dev/ttyUSB0' });
  });

  it('is what it announces itself as in the network', () => {
    const announced = { name: 'SLZB-06', port: 6638, addresses: ['fe80::1', '192.168.1.9'] };
    const found = announcedCandidate('slzb-06', { ...announced, txt: { radio_type: 'znp' } });
    assert.deepEqual(found?.parameters, { port: 'tcp://192.168.1.9:6638', adapter: 'zstack' });
    const silent = announcedCandidate('zigbee-coordinator', { ...announced, addresses: ['2001:db8::9'] });
    assert.deepEqual(silent?.parameters, { port: 'tcp://[2001:db8::9]:6638' });
    const tube = { name: 'tube_zb_gw_efr32', port: 6053, addresses: ['192.168.1.8'], txt: {} };
    assert.equal(announcedCandidate('esphomelib', tube)?.parameters['port'], 'tcp://192.168.1.8:6638');
    assert.equal(announcedCandidate('esphomelib', { ...tube, name: 'garden-hose' }), undefined);
    assert.equal(announcedCandidate('slzb-06', { name: 'x', port: 1 }), undefined);
  });
});

describe('a command that a device did not carry out', () => {
  it('is told in words for a person', () => {
    const what = 'Innr lamp';
    const failure = (message: string, sleepy = false) => commandFailure(new Error(message), { what, sleepy });
    const late = failure(
      "ZCL command 0x01/1 genOnOff.on failed (Data request failed with error: 'MAC no ack' (0xe9))",
    );
    assert.equal(late.code, 'unreachable');
    const unanswered = failure('Timeout - 1 - 2 after 10000ms', true);
    assert.equal(unanswered.code, 'timeout');
    assert.match(unanswered.hint ?? '', /press its button/);
    const refused = failure("ZCL command failed (Status 'UNSUPPORTED_ATTRIBUTE')");
    assert.deepEqual(
      [refused.code, refused.message],
      ['deviceRefused', 'the Innr lamp refused: UNSUPPORTED_ATTRIBUTE'],
    );
    assert.equal(failure('something else').code, 'deviceRefused');
  });

  it('is told of as unsent where the coordinator did not send it', () => {
    for (const [message, why] of [
      [
        'ZCL command 0x01/1 genOnOff.on({}) failed (~x~> [ZCL to=0x01:1 apsFrame={"profileId":260}] Failed to send request with status=BUSY.)',
        'BUSY',
      ],
      ['[INTERPAN MODE] Cannot execute non-InterPAN commands.', 'it looks for lamps by Touchlink'],
      ['Cannot execute command, in Inter-PAN mode', 'it looks for lamps by Touchlink'],
    ] as const) {
      const {
        code,
        message: told,
        hint,
      } = commandFailure(new Error(message), { what: 'lamp', sleepy: false });
      assert.equal(code, 'unreachable');
      assert.equal(told, `the coordinator could not send to the lamp: ${why}`);
      assert.match(hint ?? '', /try again in some seconds/);
    }
  });
});
