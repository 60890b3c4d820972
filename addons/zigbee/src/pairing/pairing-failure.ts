/** Why a pairing did not end as paired: each reason has a stable code, what happened, and the next step for a person. */
import { AddonError } from '@gate/addon-sdk';
import type { InterviewStep } from './interview-step.ts';

export type PairingCode =
  | 'nothingJoined'
  | 'interviewFailed'
  | 'wrongModel'
  | 'unsupportedModel'
  | 'alreadyPaired'
  | 'leftDuringPairing'
  | 'configurationFailed'
  | 'bindingFailed'
  | 'coordinatorNotReady'
  | 'networkFull'
  | 'badInstallCode'
  | 'cancelled';

export class PairingFailure extends AddonError {
  declare readonly code: PairingCode;

  constructor(code: PairingCode, message: string, hint: string, cause?: unknown) {
    super(code, message, { hint, cause });
  }
}

export interface NothingJoined {
  seconds: number;
  touchlinkTried: boolean;
  /** One that has a code is only let in with it: with a wrong one it is as if nothing had come. */
  withInstallCode: boolean;
}

export function nothingJoined({ seconds, touchlinkTried, withInstallCode }: NothingJoined): PairingFailure {
  const tried = touchlinkTried ? ', and Touchlink found none near the coordinator' : '';
  const code = withInstallCode ? '. See that the install code is that of this device, digit by digit' : '';
  return new PairingFailure(
    'nothingJoined',
    `no device joined within ${seconds} s${tried}`,
    `reset the device (its manual says how) so that it looks for a network, bring it near, and pair it again${code}`,
  );
}

const STEP_WORDS: Record<InterviewStep, string> = {
  nodeDescriptor: 'it did not say what kind of node it is (node descriptor)',
  activeEndpoints: 'it did not list its endpoints (active endpoints)',
  simpleDescriptor: 'it did not describe an endpoint (simple descriptor)',
  basicRead: 'it did not tell its model and maker (basic cluster)',
  iasEnrol: 'it did not enrol as an alarm sensor (IAS zone)',
};

export function interviewFailed(
  step: InterviewStep,
  ieeeAddress: string,
  withInstallCode: boolean,
): PairingFailure {
  // some sticks tell of a device that asked to join, and could then not read the network's key
  const code =
    step !== 'nodeDescriptor'
      ? ''
      : withInstallCode
        ? '. See that the install code is that of this device, digit by digit'
        : '. If an install code is printed on it, it has to be given';
  return new PairingFailure(
    'interviewFailed',
    `${ieeeAddress} joined, but its interview failed: ${STEP_WORDS[step]}`,
    `keep it awake (press its button every few seconds) and near, and pair it again; it need not be reset${code}`,
  );
}

export function wrongModel(
  found: string,
  typeId: string,
  wanted: string,
  ieeeAddress: string,
): PairingFailure {
  return new PairingFailure(
    'wrongModel',
    `what joined is a ${found}, not the ${wanted} that was asked for`,
    `create a device of type ${typeId} with {"ieeeAddress": "${ieeeAddress}"} and pair it: it is in the network already. Or reset the right one and pair again`,
  );
}

export function unsupportedModel(modelId: string, maker: string, ieeeAddress: string): PairingFailure {
  return new PairingFailure(
    'unsupportedModel',
    `what joined (model "${modelId}" of "${maker}") is none that this version knows`,
    `create a device of the type Generic ZIGBEE-DEVICE with {"ieeeAddress": "${ieeeAddress}"}: it shows what the device has by the standard`,
  );
}

export function alreadyPaired(ieeeAddress: string, deviceId: string): PairingFailure {
  return new PairingFailure(
    'alreadyPaired',
    `${ieeeAddress} is paired already, as device "${deviceId}"`,
    `use device "${deviceId}", or delete it first`,
  );
}

export function leftDuringPairing(ieeeAddress: string): PairingFailure {
  return new PairingFailure(
    'leftDuringPairing',
    `${ieeeAddress} joined, but left the network before it was paired`,
    'some devices leave when their button is pressed again: reset it once, wait, and pair it again',
  );
}

export function networkFull(cause?: unknown): PairingFailure {
  return new PairingFailure(
    'networkFull',
    'the coordinator has no room for another device',
    'add a mains device near (it takes devices in), delete devices that are gone, or use a larger coordinator',
    cause,
  );
}

/** What the definition's configuration failed with. */
export function configurationFailed(error: unknown, model: string): PairingFailure {
  const words = error instanceof Error ? error.message : String(error);
  if (/\bbind/i.test(words) || /TABLE_FULL/.test(words)) {
    return new PairingFailure(
      'bindingFailed',
      `the ${model} joined, but would not be told to report here (binding): ${words}`,
      'pair it again, awake and near; if its binding table is full, reset it first',
      error,
    );
  }
  return new PairingFailure(
    'configurationFailed',
    `the ${model} joined, but could not be set up: ${words}`,
    'keep it awake and near, and pair it again; it need not be reset',
    error,
  );
}
