/** How the coordinator is reached, and what its network is made with: the part of the parameters that concerns the radio. */
import type { AdapterKind } from '../stick/stick-probe.ts';

export interface RadioSettings {
  /** A serial port, or `tcp://host:port`. */
  port: string;
  adapter: AdapterKind;
  /** Of a new network, 11 to 26. */
  channel: number;
  baudRate?: number | undefined;
  rtscts?: boolean | undefined;
  /** dBm; the stick's own where it is missing. */
  transmitPower?: number | undefined;
}
