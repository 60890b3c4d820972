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

/** @throws AddonError noLink: the name is unknown, or there is no network */
export const openUdpChannel: OpenChannel = async ({ server, routeBack }, { onFrame, onBroken }) => {
  const host = await resolveIpv4(server.host);
  const socket = createSocket('udp4');
  try {
    socket.bind(0);
    await once(socket, 'listening');
    tryReceiveBuffer(socket);
    const own: Endpoint = routeBack
      ? ROUTE_BACK
      : { host: await localAddressTowards(host, server.port), port: socket.address().port };
    socket.on('message', (bytes, from) => {
      const frame = from.address === host ? decodeFrame(bytes) : undefined;
      if (frame !== undefined) onFrame(frame);
    });
    socket.on('error', (error) => onBroken(error.message));
    return {
      reliable: false,
      routeBack,
      ownEndpoint: encodeEndpoint(own, 'udp'),
      send(bytes, to = { host, port: server.port }) {
        // what the network does not take now is repeated as if it were lost on the way
        socket.send(bytes, to.port, to.host, () => undefined);
      },
      close() {
        socket.removeAllListeners('error').on('error', () => undefined);
        socket.close();
      },
    };
  } catch (error) {
    socket.close();
    throw noNetwork(server, error);
  }
};

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

export function noNetwork({ host, port }: Endpoint, cause: unknown): AddonError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new AddonError('noLink', `there is no way to ${host}:${port}: ${words}`, {
    hint: 'is this box in the network of the KNXnet/IP server?',
    cause,
  });
}
