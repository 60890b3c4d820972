/** KNXnet/IP over TCP (KNX standard, 03_08_02 Core v2, 2.3): frames follow each other, cut by their headers. */
import { connect } from 'node:net';
import { AddonError } from '@gate/addon-sdk';
import { decodeFrame, encodeEndpoint, HEADER_BYTES, ROUTE_BACK } from '../wire/ip-frame.ts';
import type { OpenChannel } from './frame-channel.ts';

const CONNECT_MS = 5_000;
/** No frame of a client's services is longer: one that says so is no KNXnet/IP. */
const FRAME_MAX_BYTES = 1_024;

/** @throws AddonError noLink */
export const openTcpChannel: OpenChannel = ({ server }, { onFrame, onBroken }) => {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<OpenChannel>>>();
  const socket = connect({ ...server, family: 4, noDelay: true, keepAlive: true });
  const tooLate = setTimeout(() => broken(`no answer within ${CONNECT_MS / 1_000} s`), CONNECT_MS);
  let open = false;
  let waiting: Buffer = Buffer.alloc(0);
  const broken = (reason: string) => {
    clearTimeout(tooLate);
    socket.destroy();
    if (open) onBroken(reason);
    open = false;
    reject(
      new AddonError(
        'noLink',
        `no TCP connection to the KNXnet/IP server ${server.host}:${server.port}: ${reason}`,
        {
          hint: 'does it speak KNXnet/IP over TCP? older ones do not: set "transport" to "udp"',
        },
      ),
    );
  };
  socket.on('error', (error) => broken(error.message));
  socket.on('close', () => broken('it has ended the connection'));
  socket.on('data', (chunk) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (waiting.length >= HEADER_BYTES) {
      const length = waiting.readUInt16BE(4);
      if (length < HEADER_BYTES || length > FRAME_MAX_BYTES) return broken('it does not speak KNXnet/IP');
      if (waiting.length < length) return;
      const frame = decodeFrame(waiting.subarray(0, length));
      waiting = waiting.subarray(length);
      if (frame === undefined) return broken('it does not speak KNXnet/IP');
      if (open) onFrame(frame);
    }
  });
  socket.on('connect', () => {
    clearTimeout(tooLate);
    open = true;
    resolve({
      reliable: true,
      routeBack: true,
      ownEndpoint: encodeEndpoint(ROUTE_BACK, 'tcp'),
      send: (frame) => void socket.write(frame),
      close() {
        open = false;
        socket.end();
        socket.destroySoon();
      },
    });
  });
  return promise;
};
