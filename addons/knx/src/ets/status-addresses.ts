/**
 * Which group address tells the state of which other one, by what a project says: how objects are linked and what their
 * flags are, which channel of a device they belong to, and what a function's roles are. Linked objects count most: they
 * are what the bus does. Nothing is taken that two could be meant by, or that is of another type.
 */
import type { StatusAddress } from './group-address.ts';
import type { ProjectObject } from './project-devices.ts';
import type { Project, ProjectAddress } from './project-xml.ts';
import { sameValue } from './value-types.ts';

/** Roles of functions in ETS: what tells the state of what. */
const STATE_OF_ROLE: Readonly<Record<string, string>> = {
  InfoOnOff: 'SwitchOnOff',
  InfoDimmingValue: 'DimmingValue',
  CurrentAbsolutePositionBlindsPercentage: 'AbsolutePositionBlindsPercentage',
  CurrentAbsolutePositionSlatPercentage: 'AbsolutePositionSlatPercentage',
};

interface Linked extends ProjectObject {
  /** Number of its device. */
  device: number;
}

/** By the ids of the addresses that are written to. */
export function statusAddressesIn(project: Project): Map<string, StatusAddress> {
  const addresses = new Map(project.addresses.map((each) => [each.id, each]));
  const objects = project.devices.flatMap((device, at) =>
    device.objects.map((object): Linked => ({ ...object, device: at })),
  );
  const found = new Map<string, StatusAddress>();
  const taken = new Set<string>();
  const take = (pairs: Iterable<readonly [string, string]>, because: StatusAddress['because']) => {
    const fitting = [...pairs].filter(([command, state]) =>
      fit(addresses.get(command), addresses.get(state)),
    );
    for (const [command, state] of unambiguous(fitting)) {
      if ([command, state].some((each) => found.has(each) || taken.has(each))) continue;
      found.set(command, { address: addresses.get(state)?.address ?? '', because });
      taken.add(state);
    }
  };
  take(pairsByObjects(objects), 'objects');
  take(pairsByChannel(objects), 'channel');
  take(pairsByFunction(project, objects), 'function');
  return found;
}

function fit(command: ProjectAddress | undefined, state: ProjectAddress | undefined): boolean {
  if (command === undefined || state === undefined || command.id === state.id) return false;
  return !state.secured && sameValue(command.dpt, state.dpt);
}

/** Whoever takes what is written and does not send it himself: an actuator. */
const obeys = ({ flags, sendsTo, addresses }: Linked, address: string) =>
  flags.write === true && addresses.includes(address) && !(flags.transmit === true && sendsTo === address);
/** Whoever sends it and can be asked for it: a state. */
const tells = ({ flags, sendsTo }: Linked, address: string) =>
  flags.transmit === true && flags.read === true && sendsTo === address;

/** A push-button that sends to one address and hears another one, where the device that obeys the first tells the second. */
function* pairsByObjects(objects: readonly Linked[]): Generator<[string, string]> {
  const byAddress = new Map<string, Linked[]>();
  for (const object of objects) {
    for (const address of object.addresses)
      byAddress.set(address, [...(byAddress.get(address) ?? []), object]);
  }
  for (const button of objects) {
    const command = button.sendsTo;
    if (command === undefined || button.flags.transmit !== true) continue;
    const actuators = new Set(
      (byAddress.get(command) ?? []).filter((each) => obeys(each, command)).map(({ device }) => device),
    );
    for (const state of button.addresses) {
      const teller = (byAddress.get(state) ?? []).find((each) => tells(each, state));
      if (state !== command && teller && teller.device !== button.device && actuators.has(teller.device)) {
        yield [command, state];
      }
    }
  }
}

/** One object of a channel that obeys, and one of the same type that tells. */
function* pairsByChannel(objects: readonly Linked[]): Generator<[string, string]> {
  const channels = Map.groupBy(
    objects.filter(({ channel }) => channel !== undefined),
    ({ device, channel }) => `${device} ${channel}`,
  );
  for (const members of channels.values()) {
    for (const input of members) {
      const command = input.sendsTo;
      if (command === undefined || input.flags.transmit === true || !obeys(input, command)) continue;
      for (const output of members) {
        const state = output.sendsTo;
        if (state === undefined || output.flags.write === true || !tells(output, state)) continue;
        if (input.dpt !== undefined && sameValue(input.dpt, output.dpt)) yield [command, state];
      }
    }
  }
}

/** What the installer has said, where nobody's objects say otherwise. */
function* pairsByFunction({ functions }: Project, objects: readonly Linked[]): Generator<[string, string]> {
  for (const { addresses } of functions) {
    for (const state of addresses) {
      const command = addresses.find(({ role }) => role !== '' && role === STATE_OF_ROLE[state.role]);
      if (command === undefined) continue;
      // what an actuator does is no state, whatever it is called
      const obeyed = objects.some((object) => object.flags.transmit === false && obeys(object, state.id));
      if (!obeyed) yield [command.id, state.id];
    }
  }
}

/** Pairs of which neither side is in another pair. */
function unambiguous(pairs: Iterable<readonly [string, string]>): [string, string][] {
  const states = new Map<string, Set<string>>();
  const commands = new Map<string, Set<string>>();
  for (const [command, state] of pairs) {
    states.set(command, (states.get(command) ?? new Set()).add(state));
    commands.set(state, (commands.get(state) ?? new Set()).add(command));
  }
  return [...states].flatMap(([command, its]) => {
    const [state] = its;
    const alone = its.size === 1 && state !== undefined && commands.get(state)?.size === 1;
    return alone ? [[command, state] as [string, string]] : [];
  });
}
