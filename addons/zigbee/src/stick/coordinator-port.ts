/** The way to a coordinator, opened for a moment: a serial port, or `tcp://host:port`. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

export interface PortSettings {
  /** `/dev/…` or `tcp://host:port` */
  path: string;
  baudRate?: number | undefined;
  rtscts?: boolean | undefined;
}

const OPEN_DEADLINE_MS = 4_000;

export function tcpTarget(path: string): { host: string; port: number } | undefined {
  const match = /^tcp:\/\/(\[[^\]]+\]|[^:]+):(\d+)$/.exec(path);
  if (!match) return undefined;
  return { host: (match[1] as string).replace(/^\[(.*)\]$/, '$1'), port: Number(match[2]) };
}

/** @throws the system's error, with its code where it has one */
export async function openPort({ path, baudRate = 115_200, rtscts = false }: PortSettings): Promise<Duplex> {
  const target = tcpTarget(path);
  if (target) {
    const socket = connect({ ...target, noDelay: true });
    return settled(socket, 'connect', () => socket.destroy(timeout(path)));
  }
  const { SerialPort } = await import('serialport');
  const port = new SerialPort({ path, baudRate, rtscts, autoOpen: false });
  const opened = settled(port, 'open', () => port.destroy(timeout(path)));
  port.open();
  return opened;
}

/** Closes it and waits until it is: the next one who opens it must find it free. */
export async function closePort(port: Duplex): Promise<void> {
  if (port.destroyed) return;
  const closed = new Promise<void>((resolve) => port.once('close', () => resolve()));
  port.on('error', () => undefined);
  // a serial port says "close" only when it was closed by name
  if ('close' in port && typeof port.close === 'function') port.close();
  else port.destroy();
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
}

function settled(port: Duplex, opened: string, onTimeout: () => void): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(onTimeout, OPEN_DEADLINE_MS);
    port.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    port.once(opened, () => {
      clearTimeout(timer);
      resolve(port);
    });
  });
}

function timeout(path: string): Error {
  return Object.assign(new Error(`${path} did not open in time`), { code: 'ETIMEDOUT' });
}
