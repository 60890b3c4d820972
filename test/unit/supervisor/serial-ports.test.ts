/** The serial ports of a box, read from a tree as udev and sysfs make it. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SerialPortsOnDisk } from '../../../src/supervisor/serial-ports.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('the serial ports of a box', () => {
  let folder: ReturnType<typeof tempFolder>;
  let [dev, sys] = ['', ''];
  beforeEach(() => {
    folder = tempFolder();
    [dev, sys] = [join(folder.path, 'dev'), join(folder.path, 'sys')];
  });
  afterEach(() => folder.remove());

  const ports = () => new SerialPortsOnDisk({ devFolder: dev, sysFolder: sys }).list();
  function stick(name: string, lasting?: string): void {
    mkdirSync(join(dev, 'serial', 'by-id'), { recursive: true });
    writeFileSync(join(dev, name), '');
    if (lasting) symlinkSync(`../../${name}`, join(dev, 'serial', 'by-id', lasting));
  }
  /** As sysfs has a USB converter: the port lies in its interface, which lies in the device. */
  function made(name: string, manufacturer: string, product: string): void {
    const device = join(sys, 'devices', `usb-of-${name}`);
    mkdirSync(join(device, '1-1:1.0', name), { recursive: true });
    mkdirSync(join(sys, 'class', 'tty', name), { recursive: true });
    symlinkSync(join(device, '1-1:1.0', name), join(sys, 'class', 'tty', name, 'device'));
    writeFileSync(join(device, 'manufacturer'), `${manufacturer}\n`);
    writeFileSync(join(device, 'product'), `${product}\n`);
  }

  it('are known by their lasting names, with who made them', async () => {
    stick('ttyUSB0', 'usb-ITEAD_SONOFF_Zigbee_3.0-if00-port0');
    made('ttyUSB0', 'ITEAD', 'SONOFF Zigbee 3.0 USB Dongle Plus');
    assert.deepEqual(await ports(), [
      {
        path: join(dev, 'serial/by-id/usb-ITEAD_SONOFF_Zigbee_3.0-if00-port0'),
        device: join(dev, 'ttyUSB0'),
        name: 'ITEAD SONOFF Zigbee 3.0 USB Dongle Plus',
      },
    ]);
  });

  it('are listed without a lasting name too, after the others; consoles and names that lead nowhere are not', async () => {
    stick('ttyUSB1', 'usb-z-if00');
    for (const name of ['ttyAMA0', 'ttyACM3', 'ttyS0', 'tty1', 'null']) stick(name);
    symlinkSync('../../ttyUSB9', join(dev, 'serial', 'by-id', 'usb-pulled'));
    const found = await ports();
    assert.deepEqual(
      found.map(({ device }) => device),
      ['ttyUSB1', 'ttyACM3', 'ttyAMA0'].map((name) => join(dev, name)),
    );
    assert.deepEqual(found[1], { path: join(dev, 'ttyACM3'), device: join(dev, 'ttyACM3') });
  });

  it('are none where there are no such folders', async () => {
    assert.deepEqual(await ports(), []);
  });
});
