/** One group address of an ETS file, and the device that it belongs to. */
export interface EtsGroupAddress {
  group: EtsGroup;
  name: string;
  /** As it is written: `1/2/3`, or one number. */
  address: string;
  /** As ETS writes it, `DPST-9-1`; undefined where ETS knows none. */
  dpt: string | undefined;
  /** Of the objects that use it, where they have no type either: `1 Bit`. */
  size?: string | undefined;
  /** KNX Data Secure: it cannot be used. */
  secured?: boolean;
  /** Where its state is told, by what the project says. */
  status?: StatusAddress | undefined;
  /** In the file, from 1. */
  line: number;
}

/** What shows that one address tells the state of another: how objects are linked, a channel of a device, a function's roles, names. */
export type StatusEvidence = 'objects' | 'channel' | 'function' | 'names';

export interface StatusAddress {
  /** As it is written in the file. */
  address: string;
  because: StatusEvidence;
}

/** What becomes a device: a range of addresses, a function of a room, or a device on the bus. */
export interface EtsGroup {
  /** The same at each import, also out of another kind of file. */
  key: string;
  name: string;
  /** Of a device on the bus. */
  individualAddress?: string;
}

const KEY_NAME_MAX = 80;
/** Where an address lies in no range. */
export const NO_RANGE: EtsGroup = { key: 'range-0', name: 'KNX' };

/** A range, `level` counted from 1; `end` is its last address. Without one its names are all there is to know it by. */
export function rangeGroup(name: string, level: number, end: number | undefined, path: string): EtsGroup {
  const place = end === undefined ? path.slice(0, KEY_NAME_MAX) : String(end);
  return { key: `range-${level}-${place}`, name };
}
