/**
 * The serial ports of the box, without a native module: udev's lasting names in `/dev/serial/by-id`, what the kernel has
 * besides of kinds that sticks are of, and from sysfs who made them.
 */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SerialPort, SerialPorts } from '../core/upkeep/maintenance-ports.ts';

/** USB sticks (CDC ACM, and converters), and the UART of a Raspberry Pi's header. A console (`ttyS`) is no stick. */
const DEVICE = /^tty(USB|ACM|AMA)\d+$/;
export const SERIAL_PORTS_MAX = 100;
const NAME_MAX_CHARS = 120;

export interface SerialPortsParts {
  /** `/dev` and `/sys`, where nothing else is said. */
  devFolder?: string;
  sysFolder?: string;
}

export class SerialPortsOnDisk implements SerialPorts {
  readonly #dev: string;
  readonly #sys: string;

  constructor({ devFolder = '/dev', sysFolder = '/sys' }: SerialPortsParts = {}) {
    this.#dev = devFolder;
    this.#sys = sysFolder;
  }

  /** Those with a lasting name first. A folder that cannot be read has none. */
  async list(): Promise<SerialPort[]> {
    const byId = join(this.#dev, 'serial', 'by-id');
    const lasting = new Map<string, string>();
    for (const name of await namesIn(byId)) {
      const device = await realpath(join(byId, name)).catch(() => undefined);
      // a name that leads nowhere is of a stick that was pulled just now
      if (device !== undefined && !lasting.has(device)) lasting.set(device, join(byId, name));
    }
    const others = (await namesIn(this.#dev))
      .filter((name) => DEVICE.test(name))
      .map((name) => join(this.#dev, name))
      .filter((device) => !lasting.has(device));
    const found = [...lasting, ...others.map((device) => [device, device] as const)];
    return Promise.all(
      found
        .slice(0, SERIAL_PORTS_MAX)
        .map(async ([device, path]) => ({ path, device, ...(await this.#named(device)) })),
    );
  }

  /** Who made the USB device that the port belongs to: some folders above the port's own in sysfs. */
  async #named(device: string): Promise<{ name?: string }> {
    let folder = await realpath(join(this.#sys, 'class', 'tty', basename(device), 'device')).catch(() => '');
    for (let up = 0; up < 4 && folder.length > this.#sys.length; up += 1) {
      const [manufacturer, product] = await Promise.all(
        ['manufacturer', 'product'].map((file) => readFile(join(folder, file), 'utf8').catch(() => '')),
      );
      const name = [manufacturer, product]
        .map((text) => (text ?? '').trim())
        .filter((text) => text !== '')
        .join(' ');
      if (name !== '') return { name: name.slice(0, NAME_MAX_CHARS) };
      folder = join(folder, '..');
    }
    return {};
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
