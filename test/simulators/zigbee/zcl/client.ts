/** The client side of a cluster on a device that listens to a server at the coordinator, as OTA does. */
import type { ZclFrame } from './frame.ts';

export interface ClientCluster {
  readonly id: number;
  /** A command of the server has come. @returns a status, or undefined where the command is not known */
  receive(frame: ZclFrame, sourceEndpoint: number): number | undefined;
}
