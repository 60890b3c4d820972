/** The parts of the add-on, built once and put together: the only place where they all know each other. */
import type { Addon, Clock } from '@gate/addon-sdk';
import { Availability } from './devices/availability.ts';
import { BoundDevices } from './devices/bound-devices.ts';
import { ComingsAndGoings } from './devices/comings-and-goings.ts';
import { Definitions } from './devices/definitions.ts';
import { DeviceControl } from './devices/device-control.ts';
import { LastStates } from './devices/last-states.ts';
import { NetworkDevices } from './devices/network-devices.ts';
import { Receiver } from './devices/receiver.ts';
import { NetworkBackup } from './network/network-backup.ts';
import { Radio, type RadioParts } from './network/radio.ts';
import { PairingDesk } from './pairing/pairing-desk.ts';
import { SpareMemory } from './spare-memory.ts';
import { firmwareVerbs } from './verbs/firmware-verbs.ts';
import { groupVerbs } from './verbs/group-verbs.ts';
import { linkVerbs } from './verbs/link-verbs.ts';
import { networkVerbs } from './verbs/network-verbs.ts';
import type { Verbs } from './verbs/verb.ts';

export interface ZigbeeSurroundings {
  gate: Pick<Addon, 'report' | 'availability' | 'event' | 'state' | 'log'>;
  /** The add-on's own folder. */
  folder: string;
  clock: Clock;
  random: () => number;
}

/** What happens to the coordinator, and what the settings say of interviews. */
export interface ZigbeeHooks extends Pick<RadioParts, 'onUp' | 'onDown' | 'onTrouble'> {
  interviewMs: () => number;
}

export interface ZigbeeParts {
  bound: BoundDevices;
  definitions: Definitions;
  states: LastStates;
  receiver: Receiver;
  radio: Radio;
  devices: NetworkDevices;
  desk: PairingDesk;
  control: DeviceControl;
  availability: Availability;
  backup: NetworkBackup;
  comings: ComingsAndGoings;
  verbs: Verbs;
  memory: SpareMemory;
}

export function buildParts(surroundings: ZigbeeSurroundings, hooks: ZigbeeHooks): ZigbeeParts {
  const { gate, folder, clock, random } = surroundings;
  const { log } = gate;
  const bound = new BoundDevices();
  const memory = new SpareMemory({ clock, log });
  const definitions = new Definitions(log, () => memory.loaded());
  const states = new LastStates({ folder, log, clock });
  const radio = new Radio({ folder, log, clock, random, ...hooks });
  const devices = new NetworkDevices({ bound, radio, gate });
  const ownerOf = (ieee: string) => devices.ownerOf(ieee);
  const receiver = new Receiver({
    definitions,
    states,
    log,
    clock,
    optionsOf: (ieee) => bound.at(ieee)?.options,
    report: (ieee, payload) => devices.report(ieee, payload),
  });
  const desk = new PairingDesk({
    radio,
    definitions,
    gate,
    log,
    clock,
    ownerOf,
    interviewMs: hooks.interviewMs,
    optionsOf: (deviceId) => bound.optionsOf(deviceId),
  });
  const backup = new NetworkBackup({ folder, log, clock });
  const comings = new ComingsAndGoings({
    bound,
    definitions,
    backup,
    gate,
    clock,
    isPairing: (deviceId) => desk.isPairing(deviceId),
  });
  const availability = new Availability({
    clock,
    random,
    log,
    devices: () => devices.watched(),
    say: (...said) => devices.sayAvailability(...said),
  });
  const control = new DeviceControl({ definitions, states, receiver });
  const house = {
    controller: () => radio.controller,
    deviceOf: (deviceId: string) => devices.of(deviceId),
    ownerOf,
  };
  const shared = { house, definitions, states, receiver };
  const verbs: Verbs = {
    ...networkVerbs({ ...shared, radio, backup }),
    ...groupVerbs(shared),
    ...linkVerbs(house),
    ...firmwareVerbs({ ...shared, folder, log }),
  };
  return {
    bound,
    definitions,
    states,
    receiver,
    radio,
    devices,
    desk,
    control,
    availability,
    backup,
    comings,
    verbs,
    memory,
  };
}
