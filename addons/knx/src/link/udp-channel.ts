/**
 * KNXnet/IP over UDP. The socket is not connected: a server may answer from another port (its data endpoint). What
 * comes from another address than the server's is dropped.
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { AddonError } from '@gate/addon-sdk';
import { decodeFrame, type Endpoint, encodeEndpoint, ROUTE_BACK } from '../wire/ip-frame.ts';
import type { OpenChannel } from './frame-channel.ts';

/** Telegrams of a bus storm wait in the kernel rather than being lost. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/** How a channel finds the two ends of its way; a test may give it others. */
export interface WayFinder {
  /** IPv4 address of a server's host. @throws AddonError noLink */
  addressOf: (host: string) => Promise<string>;
  /** The address that this machine shows to `host`. */
  ownTowards: (host: string, port: number) => Promise<string>;
}

/** `open` @throws AddonError noLink: the name is unknown, or there is no network */
export function udpChannels(ways: Partial<WayFinder> = {}): OpenChannel {
  const { addressOf = resolveIpv4, ownTowards = localAddressTowards } = ways;
  return async ({ server, routeBack }, { onFrame, onBroken }) => {
    const socket = createSocket('udp4');
    let host = '';
    let own: Endpoint = ROUTE_BACK;
    const findWay = async () => {
      try {
        const found = await addressOf(server.host);
        if (!routeBack) own = { host: await ownTowards(found, server.port), port: socket.address().port };
        host = found;
      } catch (error) {
        throw noWay(server, error);
      }
    };
    try {
      socket.bind(0);
      await once(socket, 'listening');
      tryReceiveBuffer(socket);
      await findWay();
    } catch (error) {
      socket.close();
      throw noWay(server, error);
    }
    socket.on('message', (bytes, from) => {
      const frame = from.address === host ? decodeFrame(bytes) : undefined;
      if (frame !== undefined) onFrame(frame);
    });
    socket.on('error', (error) => onBroken(error.message));
    return {
      reliable: false,
      routeBack,
      get ownEndpoint() {
        return encodeEndpoint(own, 'udp');
      },
      send(bytes, to = { host, port: server.port }) {
        // what the network does not take now is repeated as if it were lost on the way
        socket.send(bytes, to.port, to.host, () => undefined);
      },
      renew: findWay,
      close() {
        socket.removeAllListeners('error').on('error', () => undefined);
        socket.close();
      },
    };
  };
}

export const openUdpChannel = udpChannels();

/** @throws AddonError noLink */
export async function resolveIpv4(host: string): Promise<string> {
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (error) {
    throw new AddonError('noLink', `the name "${host}" is unknown in this network`, {
      hint: 'is "ip_address" spelled right? KNXnet/IP needs an IPv4 address; one works without DNS',
      cause: error,
    });
  }
}

/** The address that this machine shows to `host`: what the server shall answer to. */
export async function localAddressTowards(host: string, port: number): Promise<string> {
  const probe = createSocket('udp4');
  try {
    // a connected UDP socket sends nothing, it only chooses its way
    probe.connect(port, host);
    await once(probe, 'connect');
    return probe.address().address;
  } finally {
    probe.close();
  }
}

function tryReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // the system's own size has to do
  }
}

/** A name that is unknown says so itself. */
function noWay(server: Endpoint, cause: unknown): AddonError {
  return cause instanceof AddonError ? cause : noNetwork(server, cause);
}

export function noNetwork({ host, port }: Endpoint, cause: unknown): AddonError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new AddonError('noLink', `there is no way to ${host}:${port}: ${words}`, {
    hint: 'is this box in the network of the KNXnet/IP server?',
    cause,
  });
}
