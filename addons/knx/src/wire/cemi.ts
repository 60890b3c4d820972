/**
 * cEMI (KNX standard, 03_06_03 EMI_IMI, 4.1): group telegrams as they travel inside KNXnet/IP. Everything else on the
 * bus (programming, other management) is not this add-on's and is `undefined`.
 */

const CODE = { request: 0x11, indication: 0x29, confirmation: 0x2e } as const;
export type CemiKind = keyof typeof CODE;
const KINDS = Object.keys(CODE) as CemiKind[];

/** Application layer services on group addresses (03_03_07, 3.1). */
const APCI = { read: 0x000, response: 0x040, write: 0x080 } as const;
export type GroupService = keyof typeof APCI;
const SERVICES = Object.keys(APCI) as GroupService[];

/** The largest value that fits a standard frame. */
export const VALUE_MAX_BYTES = 14;
const HOPS = 6;

/** A value as it is on the wire: up to 6 bits inside the telegram's second byte, or bytes of their own. */
export interface RawValue {
  short: boolean;
  bytes: Buffer;
}

export interface GroupTelegram {
  service: GroupService;
  source: number;
  destination: number;
  /** Empty for a read. */
  value: RawValue;
}

export interface CemiMessage extends GroupTelegram {
  kind: CemiKind;
  /** Of a confirmation: nobody on the bus has acknowledged it. */
  negative: boolean;
}

export const NO_VALUE: RawValue = { short: true, bytes: Buffer.of(0) };

export function encodeCemi(kind: CemiKind, { service, source, destination, value }: GroupTelegram): Buffer {
  const apci = APCI[service] | (value.short ? (value.bytes[0] ?? 0) & 0x3f : 0);
  const data = value.short ? [] : [...value.bytes];
  // standard frame, no repeats asked for by this side, low priority; group address, 6 hops
  const head = [CODE[kind], 0, 0xbc, 0x80 | (HOPS << 4), source >> 8, source & 255];
  const tail = [destination >> 8, destination & 255, 1 + data.length, apci >> 8, apci & 255];
  return Buffer.from([...head, ...tail, ...data]);
}

export function decodeCemi(bytes: Buffer): CemiMessage | undefined {
  const kind = KINDS.find((each) => CODE[each] === bytes[0]);
  const frame = bytes.subarray(2 + (bytes[1] ?? 0));
  if (kind === undefined || frame.length < 9) return undefined;
  const [control, control2] = frame as unknown as [number, number];
  const length = frame[6] as number;
  // to a group, not the broadcast; as long as it says
  if ((control2 & 0x80) === 0 || frame.length !== 8 + length || length < 1) return undefined;
  const destination = frame.readUInt16BE(4);
  const transportAndApci = frame.readUInt16BE(7);
  const service = SERVICES.find((each) => APCI[each] === (transportAndApci & 0x3c0));
  // T_Data_Group has no transport control bits (03_03_04, 2)
  if (destination === 0 || service === undefined || transportAndApci >> 10 !== 0) return undefined;
  const short = length === 1;
  return {
    kind,
    negative: kind === 'confirmation' && (control & 1) === 1,
    service,
    source: frame.readUInt16BE(2),
    destination,
    value: { short, bytes: short ? Buffer.of(transportAndApci & 0x3f) : Buffer.from(frame.subarray(9)) },
  };
}
