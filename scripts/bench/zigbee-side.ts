/** What the Zigbee benchmark measures: gate or zigbee2mqtt, each on the same simulated network. */

/** A side that runs, with the coordinator at work. */
export interface RunningSide {
  /** From the start of its processes until it says that it is ready. */
  readyMs: number;
  /** Its processes by name. */
  processes: ReadonlyMap<string, number>;
  /** What the listener is forked with. */
  listener: readonly [kind: string, url: string];
  /** The address of a device that the listener names. */
  ieeeOf: (device: string) => string;
  /** Switches a bulb; resolves with the moment at which its bytes were handed to the socket, on the monotonic clock. */
  command: (ieee: string, state: 'ON' | 'OFF') => Promise<number>;
  stop: () => Promise<void>;
}

export interface Side {
  name: string;
  /** Starts it on a stick that is there. */
  start: () => Promise<RunningSide>;
}
