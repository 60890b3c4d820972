/** A network as coordinator and devices know it. */
export interface NetworkIdentity {
  panId: number;
  /** As on the wire, the last byte first. */
  extendedPanId: Buffer;
  channel: number;
  networkKey: Buffer;
}
