/**
 * Whether the library may do to a stick what it is about to do. Left alone it overwrites a stick that belongs to another
 * network without a word, and makes a new network where ours was lost. Pure.
 */
import { RadioTrouble } from '../network/radio-trouble.ts';

/** What the library has decided: go on with the network on the stick, put our backup onto it, make a new network. */
export type Intent = 'resume' | 'restore' | 'form';

export interface StickNetwork {
  panId: number;
  /** Hexadecimal. */
  extendedPanId: string;
  channel: number;
}

export interface StartQuestion {
  intent: Intent;
  /** The network that the stick holds; undefined for an empty one. */
  holds: StickNetwork | undefined;
  /** Our network was made before. */
  formed: boolean;
  /** Devices were paired in it. */
  hasDevices: boolean;
  /** A person has said that what the stick holds may be lost. */
  overwrite: boolean;
}

/** A stick as it comes from the factory may hold a record of no network: PAN id 0xffff or no channel. */
export function networkOf({ panId, extendedPanId, channel }: StickNetwork): StickNetwork | undefined {
  const isNone = panId === 0 || panId === 0xffff || channel === 0 || /^(0+|f+)$/i.test(extendedPanId);
  return isNone ? undefined : { panId, extendedPanId, channel };
}

/** @throws RadioTrouble foreignNetwork, networkLost */
export function checkIntent({ intent, holds, formed, hasDevices, overwrite }: StartQuestion): void {
  if (intent === 'resume' || overwrite) return;
  if (holds) {
    const name = `PAN 0x${holds.panId.toString(16).padStart(4, '0')} on channel ${holds.channel}`;
    throw new RadioTrouble(
      'foreignNetwork',
      `the stick belongs to another network (${name}); nothing was changed on it`,
      'plug in the right stick, or, to give this one up to this gateway, run the action "takeOverStick"',
    );
  }
  if (intent === 'form' && formed && hasDevices) {
    throw new RadioTrouble(
      'networkLost',
      'the stick is empty, and there is no backup to put onto it',
      'plug in the stick that the devices were paired with, or run the action "takeOverStick" and pair them again',
    );
  }
}
