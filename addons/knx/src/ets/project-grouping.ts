/**
 * Which group addresses of a project make one device: those of a function of a room, those that a device on the bus
 * uses, or those of a range. An address belongs to one device alone; what no function or device has goes by its range.
 */
import type { EtsGroup, EtsGroupAddress } from './group-address.ts';
import type { Project } from './project-xml.ts';
import { statusAddressesIn } from './status-addresses.ts';

export const GROUPINGS = ['function', 'device', 'range'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export function groupedAddresses(given: Project, by: Grouping): EtsGroupAddress[] {
  const project = withTypes(given);
  const groups = by === 'function' ? byFunction(project) : by === 'device' ? byDevice(project) : new Map();
  const statuses = statusAddressesIn(project);
  const sizes = sizesIn(project);
  const all = project.addresses.map(({ id, range, ...rest }) => ({
    ...rest,
    group: groups.get(id) ?? range,
    status: statuses.get(id),
    size: sizes.get(id),
  }));
  // in ETS's order: functions or devices first, ranges behind them
  const rank = new Map([...groups.values()].map(({ key }, at) => [key, at]));
  return all
    .map((each, at) => ({ each, at: rank.get(each.group.key) ?? rank.size + at }))
    .sort((one, other) => one.at - other.at)
    .map(({ each }) => each);
}

function byFunction({ id, functions }: Project): Map<string, EtsGroup> {
  const counts = new Map<string, number>();
  for (const { name } of functions) counts.set(name, (counts.get(name) ?? 0) + 1);
  const groups = new Map<string, EtsGroup>();
  for (const each of functions) {
    const shared = (counts.get(each.name) ?? 0) > 1 || each.name.trim() === '';
    const name = shared ? `${each.space} ${each.name}`.trim() : each.name;
    const own = each.id.slice(each.id.lastIndexOf('_') + 1);
    const group = { key: `function-${id}-${own}`, name };
    for (const { id: address } of each.addresses) if (!groups.has(address)) groups.set(address, group);
  }
  return groups;
}

function byDevice({ devices }: Project): Map<string, EtsGroup> {
  const groups = new Map<string, EtsGroup>();
  const addressed = devices.filter(({ individualAddress }) => /^\d+\.\d+\.\d+$/.test(individualAddress));
  for (const { individualAddress, name, objects } of addressed) {
    const key = `device-${individualAddress}`;
    const group = { key, name: name.trim() || individualAddress, individualAddress };
    for (const address of objects.flatMap(({ addresses }) => addresses)) {
      if (!groups.has(address)) groups.set(address, group);
    }
  }
  return groups;
}

/** An address without a type has that of an object that uses it; one with a subtype comes first. */
function withTypes(project: Project): Project {
  const types = new Map<string, string>();
  for (const { dpt, addresses } of project.devices.flatMap(({ objects }) => objects)) {
    for (const address of dpt === undefined ? [] : addresses) {
      const known = types.get(address);
      if (known === undefined || (!known.startsWith('DPST') && dpt?.startsWith('DPST')))
        types.set(address, dpt as string);
    }
  }
  const addresses = project.addresses.map((each) => ({ ...each, dpt: each.dpt ?? types.get(each.id) }));
  return { ...project, addresses };
}

function sizesIn({ devices }: Project): Map<string, string> {
  const sized = devices
    .flatMap(({ objects }) => objects)
    .flatMap(({ size, addresses }) =>
      size === undefined ? [] : addresses.map((address) => [address, size] as const),
    );
  return new Map(sized);
}
