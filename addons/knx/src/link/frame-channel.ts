/** What carries KNXnet/IP frames to one server and back: UDP, or TCP where the server offers it. */
import type { Endpoint, IpFrame } from '../wire/ip-frame.ts';

export interface FrameChannel {
  /** TCP: frames arrive whole and in order, so telegrams are neither acknowledged nor repeated (03_08_02, 2.3). */
  readonly reliable: boolean;
  /** HPAI of this side, as requests carry it. */
  readonly ownEndpoint: Buffer;
  /** Whether answers and telegrams come to where requests came from, instead of to `ownEndpoint`. */
  readonly routeBack: boolean;
  /** To the server's control endpoint where no other one is given. Nothing is reported: what is lost is repeated. */
  send(frame: Buffer, to?: Endpoint): void;
  /**
   * For one more connection through it: the box and the server may each have got another address since. A channel that
   * has none serves one connection alone. @throws AddonError noLink
   */
  renew?(): Promise<void>;
  close(): void;
}

export interface ChannelListener {
  onFrame: (frame: IpFrame) => void;
  /** The channel is of no more use; not called after `close`. */
  onBroken: (reason: string) => void;
}

export interface ChannelTarget {
  /** Host name or IPv4 address, and port of the server. */
  server: Endpoint;
  /** Behind NAT, as in a container: the server answers to where it was asked from. */
  routeBack: boolean;
}

export type OpenChannel = (target: ChannelTarget, listener: ChannelListener) => Promise<FrameChannel>;
