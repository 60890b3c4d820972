/** A pairing that waits for its device, and what can be wrong before one comes. */
import type { JsonObject } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';
import type { CatalogueType } from '../type-file.ts';
import { networkFull, PairingFailure } from './pairing-failure.ts';
import type { PairingWishes } from './pairing-parameters.ts';

/** How a paired device is found again: what `pair` answers. */
export interface ZigbeeAddress extends JsonObject {
  ieeeAddress: string;
  manufacturer: string;
  model: string;
}

export interface Waiting {
  deviceId: string;
  typeId: string;
  type: CatalogueType | undefined;
  wishes: PairingWishes;
  /** The device that is being interviewed for it. */
  ieeeAddress?: string;
  /** Its device is being set up: once is enough, also for one that announces itself meanwhile. */
  isPreparing?: boolean;
  /** Its device may have been reset since the last attempt: it is let in again. */
  mayJoinAgain?: boolean;
  /** What it will have failed with if nothing better comes. */
  excuse?: PairingFailure;
  touchlinkTried: boolean;
  windowEndsMs: number;
  cancelTimers: (() => void)[];
  settle: { resolve: (address: ZigbeeAddress) => void; reject: (failure: Error) => void };
}

/** It names this very device, by its address or by its install code. */
export function isMeantFor(wishes: PairingWishes, ieeeAddress: string): boolean {
  const { installCode } = wishes;
  if (wishes.ieeeAddress === ieeeAddress) return true;
  return installCode?.toLowerCase().includes(ieeeAddress.slice(2)) ?? false;
}

/** @throws PairingFailure badInstallCode */
export async function addInstallCode(controller: Controller, installCode: string): Promise<void> {
  try {
    await controller.addInstallCode(installCode);
  } catch (error) {
    // the code itself is a key: it stays out of the message
    throw new PairingFailure(
      'badInstallCode',
      'the install code was not taken',
      'give it as it is printed: <ieee address>|<code>, or the whole text of its QR code',
      error,
    );
  }
}

/** What opening the network failed with. */
export function joinRefused(error: unknown): PairingFailure {
  const words = (error as Error).message;
  if (/TABLE_FULL|TableFull|INSUFFICIENT_SPACE|0xc7/i.test(words)) return networkFull(error);
  return new PairingFailure(
    'coordinatorNotReady',
    `the coordinator does not open the network: ${words}`,
    'wait some seconds and pair it again; if that does not help, plug the coordinator in again',
    error,
  );
}
