/** Addresses of a KNX installation, as ETS writes them (KNX standard, 03_03_02 Data Link Layer General, 1.4). */
import { AddonError } from '@gate/addon-sdk';

/** Three levels `main/middle/sub`, two levels `main/sub`, or the free form, one number. */
const GROUP = /^(\d{1,5})(?:\/(\d{1,4}))?(?:\/(\d{1,3}))?$/;
const INDIVIDUAL = /^(\d{1,2})\.(\d{1,2})\.(\d{1,3})$/;

/** The 16 bits of a group address. @throws AddonError badRequest, for 0/0/0 too: it is the broadcast */
export function parseGroupAddress(value: unknown): number {
  const levels = typeof value === 'string' ? GROUP.exec(value.trim())?.slice(1) : undefined;
  const numbers = levels?.filter((level) => level !== undefined).map(Number) ?? [];
  const address = groupOf(numbers);
  if (address !== undefined && address !== 0) return address;
  const why = address === 0 ? 'is the broadcast to all devices' : 'is not a group address';
  throw new AddonError('badRequest', `${JSON.stringify(value)} ${why}`, {
    hint: 'as ETS shows it: 1/2/3 (0 to 31, 0 to 7, 0 to 255), 1/515 (0 to 31, 0 to 2047), or one number to 65535',
  });
}

function groupOf([first = -1, second, third]: number[]): number | undefined {
  if (third !== undefined && second !== undefined) {
    return within(first, 31) && within(second, 7) && within(third, 255)
      ? (first << 11) | (second << 8) | third
      : undefined;
  }
  if (second !== undefined)
    return within(first, 31) && within(second, 2_047) ? (first << 11) | second : undefined;
  return within(first, 65_535) ? first : undefined;
}

/** In three levels. */
export function formatGroupAddress(address: number): string {
  return `${address >> 11}/${(address >> 8) & 7}/${address & 255}`;
}

/** The 16 bits of an individual address `area.line.device`. @throws AddonError badRequest */
export function parseIndividualAddress(value: unknown): number {
  const [area = -1, line = -1, device = -1] =
    (typeof value === 'string' ? INDIVIDUAL.exec(value.trim())?.slice(1) : undefined)?.map(Number) ?? [];
  if (within(area, 15) && within(line, 15) && within(device, 255)) return (area << 12) | (line << 8) | device;
  throw new AddonError('badRequest', `${JSON.stringify(value)} is not an individual address`, {
    hint: 'as ETS shows it: area.line.device, for example 1.1.10 (0 to 15, 0 to 15, 0 to 255)',
  });
}

export function formatIndividualAddress(address: number): string {
  return `${address >> 12}.${(address >> 8) & 15}.${address & 255}`;
}

function within(value: number, max: number): boolean {
  return value >= 0 && value <= max;
}
