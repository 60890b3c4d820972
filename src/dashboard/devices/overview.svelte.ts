/** What of the devices the overview shows, and in which groups. The choice stays while one goes to a device and back. */
import { devices, type LiveDevice } from './devices.svelte.ts';
import { BATTERY_LOW_PERCENT, batteryOf } from './values.ts';

export type Grouping = 'room' | 'protocol';

class View {
  search = $state('');
  troubled = $state(false);
  #chosen = $state<Grouping | undefined>();

  /** By room where some device has one, else by protocol; or as somebody chose. */
  get grouping(): Grouping {
    return this.#chosen ?? (devices.list.some(({ device }) => device.room) ? 'room' : 'protocol');
  }

  set grouping(grouping: Grouping) {
    this.#chosen = grouping;
  }

  reset(): void {
    this.search = '';
    this.troubled = false;
  }
}

export const view = new View();

export interface Group {
  /** Room, or slug of the protocol; empty where there is none. */
  key: string;
  devices: readonly LiveDevice[];
}

/** Groups and the devices in them by name; what belongs nowhere comes last. */
export function grouped(
  all: readonly LiveDevice[],
  { search, troubled, grouping }: View,
  locale: string,
): Group[] {
  const words = search.toLocaleLowerCase(locale).split(/\s+/).filter(Boolean);
  const compare = new Intl.Collator(locale, { numeric: true, sensitivity: 'base' }).compare;
  const groups = new Map<string, LiveDevice[]>();
  for (const known of all) {
    const { name, room = '' } = known.device;
    const text = `${name} ${room} ${known.protocol}`.toLocaleLowerCase(locale);
    if (!words.every((word) => text.includes(word))) continue;
    if (troubled && !isTroubled(known)) continue;
    const key = grouping === 'room' ? room : known.protocol;
    const group = groups.get(key);
    if (group) group.push(known);
    else groups.set(key, [known]);
  }
  return [...groups]
    .sort(([a], [b]) => Number(a === '') - Number(b === '') || compare(a, b))
    .map(([key, inGroup]) => ({
      key,
      devices: inGroup.sort((a, b) => compare(a.device.name, b.device.name)),
    }));
}

/** Away, not paired, or with a battery to be changed. */
function isTroubled({ device, values }: LiveDevice): boolean {
  const battery = batteryOf(values);
  return (
    device.availability?.online === false ||
    device.status.eventType === 'not_paired' ||
    device.status.eventType === 'created' ||
    (battery !== undefined && battery <= BATTERY_LOW_PERCENT)
  );
}
