/** Finding a stick, and what is wrong with one: on a serial port, in the network, with the wrong firmware, silent, empty. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  globSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { Bonjour } from 'bonjour-service';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { AREQ, encodeUnpi, SRSP } from '../../simulators/zigbee/mt/unpi.ts';
import { FIRMWARE, SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { TYPES, ZigbeeHouse } from './zigbee-house.ts';

const BY_ID = '/dev/serial/by-id';

/** Something at a TCP port that is no coordinator of ours. */
class OtherDevice {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(answer: (heard: Buffer) => Buffer | undefined) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', (heard) => {
        const said = answer(heard);
        if (said) socket.write(said);
      });
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

describe('a Zigbee stick', () => {
  let house: ZigbeeHouse;
  afterEach(() => house.close());

  const troubleAt = async (answer: (heard: Buffer) => Buffer | undefined, reason: string) => {
    house = await ZigbeeHouse.open({ installed: false });
    const other = new OtherDevice(answer);
    try {
      await house.install({ port: await other.start() });
      return (await house.until('degraded', reason)).reason ?? '';
    } finally {
      await other.stop();
    }
  };

  it('that says nothing is told of as mute', async () => {
    const reason = await troubleAt(() => undefined, 'stickMute');
    assert.match(reason, /does not answer; plug it in again/);
  });

  it('whose firmware is not for coordinators is told of, with what to flash', async () => {
    const router = await troubleAt((heard) => {
      if (heard[3] === 0x01) return encodeUnpi(SRSP, 1, 0x01, Buffer.from([0x79, 0x07]));
      return encodeUnpi(SRSP, 1, 0x02, Buffer.from([2, 9, 2, 7, 1, 0, 0, 0, 0]));
    }, 'wrongFirmware');
    assert.match(router, /not for coordinators \(product 9\); flash a coordinator firmware/);
  });

  it('that is none is told of', async () => {
    const modem = await troubleAt(() => Buffer.from('ERROR\r\n'), 'wrongFirmware');
    assert.match(modem, /answers at tcp.*but not in Z-Stack; is this the coordinator/);
  });

  it('that says it was reset again and again does not end the add-on', async () => {
    await troubleAt(() => encodeUnpi(AREQ, 1, 0x80, Buffer.from([0, 2, 0, 2, 6, 3])), 'wrongFirmware');
    assert.equal((await house.part())?.restarts ?? 0, 0);
  });

  for (const firmware of Object.keys(FIRMWARE) as (keyof typeof FIRMWARE)[]) {
    it(`with Z-Stack firmware "${firmware}" pairs, reads and controls`, async () => {
      house = await ZigbeeHouse.open({ radio: { firmware } });
      const [bulb, sensor] = [house.radio.add(new ColourBulb()), house.radio.add(new TemperatureSensor())];
      const lamp = await house.pair(TYPES.bulb, bulb, { touchlink: false });
      const { id, status } = await house.pair(TYPES.thermometer, sensor);
      assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
      sensor.report({ temperature: 8.5 });
      await house.reading(id, { temperature: 8.5 });
      assert.equal((await house.set(lamp.id, { state: 'ON' })).status, 200);
      assert.equal(bulb.state.on, true);
    });
  }

  it('that is empty while devices wait for their network is left alone, until a person says otherwise', async () => {
    house = await ZigbeeHouse.open();
    const { status } = await house.pair(TYPES.thermometer, house.radio.add(new TemperatureSensor()));
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));
    const { port } = house.radio;
    await house.daemon.stop();
    await house.radio.stop();
    for (const name of globSync('coordinator-backup*', { cwd: house.dataFolder }))
      rmSync(join(house.dataFolder, name));
    house.radio = await SimulatedRadio.start({ port });
    await house.restart();
    const { reason } = await house.until('degraded', 'networkLost', 40_000);
    assert.match(reason ?? '', /takeOverStick/);
    assert.equal(house.radio.network, undefined);
    const { response, error } = await house.action('takeOverStick');
    assert.equal(response?.['saved'], null, JSON.stringify(error));
    assert.match(String(response?.['reason']), /held no network .*nothing to save/);
    await house.until('running', undefined, 40_000);
    assert.notEqual(house.radio.network, undefined);
  }).timeout(90_000);

  it('in the network is found by what it announces, by a scan', async () => {
    house = await ZigbeeHouse.open({ installed: false });
    await house.api.send('POST', '/device/v1/protocols/zigbee/installation', { parameters: {} });
    await house.until('degraded', 'noPort');
    const bonjour = new Bonjour();
    try {
      const name = `SLZB-06 of test ${process.pid}`;
      bonjour.publish({ name, type: 'slzb-06', port: house.radio.port, txt: { radio_type: 'znp' } });
      const candidate = await until('it is found', async () => {
        const found = await house.api.send<{ label: string; parameters: Record<string, string> }[]>(
          'POST',
          '/device/v1/protocols/zigbee/scan',
        );
        return found.find(({ label }) => label.startsWith(name));
      });
      assert.equal(candidate.parameters['adapter'], 'zstack');
      assert.match(candidate.parameters['port'] ?? '', new RegExp(`^tcp://[\\d.]+:${house.radio.port}$`));
    } finally {
      await new Promise<void>((resolve) => bonjour.unpublishAll(() => resolve()));
      bonjour.destroy();
    }
  });
}).timeout(60_000);

/** The simulated stick behind a pseudo terminal, as a serial port that can be pulled out. */
class SerialLine {
  readonly #folder = tempFolder();
  #process: ChildProcess | undefined;

  /** @returns the port's present path */
  async plug(radioPort: number): Promise<string> {
    const link = join(this.#folder.path, 'tty');
    this.#process = spawn('socat', [`PTY,link=${link},raw,echo=0`, `TCP:127.0.0.1:${radioPort}`], {
      stdio: 'ignore',
    });
    await until('the port is there', () => existsSync(link));
    return readlinkSync(link);
  }

  async pull(): Promise<void> {
    const line = this.#process;
    this.#process = undefined;
    if (!line || line.exitCode !== null || line.signalCode !== null) return;
    const ended = once(line, 'exit');
    line.kill();
    await ended;
  }

  async remove(): Promise<void> {
    await this.pull();
    this.#folder.remove();
  }
}

/**
 * udev's own tool, which the serial library asks for ports: there is no udev where tests run. It says what it says of a
 * Sonoff ZBDongle-P and of the box's console.
 */
function udevadmOf(path: string): string {
  const says = [
    'P: /devices/platform/serial8250/tty/ttyS0',
    'N: ttyS0',
    'E: DEVNAME=/dev/ttyS0',
    '',
    'P: /devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0',
    'N: ttyUSB0',
    'S: serial/by-id/usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_0001-if00-port0',
    `E: DEVNAME=${path}`,
    'E: DEVLINKS=/dev/serial/by-id/usb-ITEAD_SONOFF_Zigbee_3.0_USB_Dongle_Plus_0001-if00-port0',
    'E: ID_VENDOR_ENC=ITEAD',
    'E: ID_VENDOR_ID=10c4',
    'E: ID_MODEL_ID=ea60',
    'E: ID_SERIAL_SHORT=0001',
    '',
  ];
  return `#!/bin/sh\ncat <<'end'\n${says.join('\n')}\nend\n`;
}

describe('a Zigbee stick on a serial port', () => {
  /** As the kernel names it: the next time the stick is plugged in it may be another name. */
  const port = `/dev/ttyGATE${process.pid}`;
  /** As it is called wherever it is plugged in. */
  const lasting = join(BY_ID, `usb-gate_test_stick_${process.pid}-if00`);
  const made: string[] = [];
  const line = new SerialLine();
  let house: ZigbeeHouse;

  before(function () {
    const missing = reasonToSkip('socat');
    const needed = process.getuid?.() === 0 ? missing : 'only root can name a port in /dev';
    if (needed) {
      console.log(`      skipped: ${needed}`);
      this.skip();
    }
    for (const folder of [dirname(BY_ID), BY_ID]) {
      if (existsSync(folder)) continue;
      mkdirSync(folder);
      made.unshift(folder);
    }
  });
  after(async () => {
    await house?.close();
    await line.remove();
    for (const name of [port, lasting]) rmSync(name, { force: true });
    for (const folder of made) rmSync(folder, { recursive: true });
  });

  const plugIn = async (...names: string[]) => {
    const path = await line.plug(house.radio.port);
    for (const name of names) symlinkSync(path, name);
  };
  const pullOut = async () => {
    await line.pull();
    for (const name of [port, lasting]) rmSync(name, { force: true });
  };

  it('is found by a scan under its lasting name, and works as it was found', async () => {
    const folder = tempFolder();
    const path = `${folder.path}:${process.env['PATH']}`;
    const gone = `${lasting}-gone`;
    house = await ZigbeeHouse.open({ installed: false, environment: { PATH: path } });
    try {
      await house.api.send('POST', '/device/v1/protocols/zigbee/installation', { parameters: {} });
      await house.until('degraded', 'noPort');
      await plugIn(lasting);
      // a link that leads nowhere any more
      symlinkSync(join(folder.path, 'gone'), gone);
      writeFileSync(join(folder.path, 'udevadm'), udevadmOf(realpathSync(lasting)), { mode: 0o755 });
      const found = await house.api.send<{ label: string; parameters: { port: string; adapter?: string } }[]>(
        'POST',
        '/device/v1/protocols/zigbee/scan',
      );
      const candidates = found.filter(({ parameters }) => parameters.port.startsWith('/dev'));
      assert.equal(candidates.length, 1, 'the console is none');
      const [stick] = candidates;
      assert.match(stick?.label ?? '', new RegExp(`^ITEAD: ${lasting} .*likely "zstack"`));
      await house.api.send('DELETE', '/device/v1/protocols/zigbee/installation');
      await until('it is removed', () =>
        house.install(stick?.parameters).then(
          () => true,
          () => false,
        ),
      );
      await house.until('running', undefined, 40_000);
    } finally {
      await house.close();
      await pullOut();
      rmSync(gone, { force: true });
      folder.remove();
    }
  }).timeout(90_000);

  it('is waited for, works, is pulled out and comes back, also under another name', async () => {
    house = await ZigbeeHouse.open({ installed: false });
    await house.install({ port });
    const absent = await house.until('degraded', 'stickAbsent');
    assert.match(absent.reason ?? '', new RegExp(`there is no coordinator at ${port}; plug it in`));
    await plugIn(port, lasting);
    await house.until('running', undefined, 40_000);
    const bulb = house.radio.add(new ColourBulb());
    const { id, status } = await house.pair(TYPES.bulb, bulb, { touchlink: false });
    assert.equal(status.eventType, 'paired', JSON.stringify(status.reason));

    for (const names of [[port, lasting], [lasting]]) {
      await pullOut();
      const gone = await house.until('degraded');
      assert.match(gone.reason ?? '', /^stick(Gone|Absent): /);
      await plugIn(...names);
      await house.until('running', undefined, 40_000);
      assert.equal((await house.set(id, { state: 'ON' })).status, 200);
    }
    assert.match(house.log(), new RegExp(`${port} is gone; the same stick is at ${lasting}`));
  }).timeout(120_000);
});
