/** One group address of an ETS export, as the file has it. */
export interface EtsGroupAddress {
  /** Names of the ranges it lies in, the widest first. */
  ranges: string[];
  name: string;
  /** As it is written, `1/2/3`. */
  address: string;
  /** As ETS writes it, `DPST-9-1`; undefined where ETS knows none. */
  dpt: string | undefined;
  /** In the file, from 1. */
  line: number;
}
