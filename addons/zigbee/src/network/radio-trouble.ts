/** Why the coordinator cannot be worked with: each cause has a name, what happened, and what a person does next. */
import { AddonError } from '@gate/addon-sdk';

export type TroubleCode =
  | 'stickAbsent'
  | 'stickMute'
  | 'stickGone'
  | 'tcpUnreachable'
  | 'portBusy'
  | 'permissionDenied'
  | 'wrongFirmware'
  | 'wrongAdapter'
  | 'foreignNetwork'
  | 'networkLost'
  | 'wrongChannel'
  | 'networkUnreadable'
  | 'startFailed';

export class RadioTrouble extends AddonError {
  declare readonly code: TroubleCode;

  constructor(code: TroubleCode, message: string, hint: string, cause?: unknown) {
    super(code, message, { hint, cause });
  }

  /** As the add-on's state shows it: the name first. */
  get reason(): string {
    return `${this.code}: ${this.message}; ${this.hint}`;
  }
}

const REPLUG = 'plug it in again; if that does not help, try another USB port or stick';

export function stickMute(port: string): RadioTrouble {
  return new RadioTrouble('stickMute', `the coordinator at ${port} does not answer`, REPLUG);
}

export function stickGone(port: string): RadioTrouble {
  return new RadioTrouble(
    'stickGone',
    `the coordinator at ${port} went away`,
    'plug it in again, or see to its network: the add-on goes on by itself',
  );
}

/** The network works, but not where the settings want it. */
export function wrongChannel(actual: number, wanted: number): RadioTrouble {
  return new RadioTrouble(
    'wrongChannel',
    `the network works on channel ${actual}, and is wanted on ${wanted}`,
    `devices stay reachable; run the action "changeChannel" to move the network, or set "channel" to ${actual}`,
  );
}

/** What opening a port, or starting on it, failed with. */
export function troubleOf(error: unknown, port: string): RadioTrouble {
  if (error instanceof RadioTrouble) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const has = (...words: string[]) => words.some((word) => `${code} ${message}`.includes(word));
  if (has('ENOENT', 'No such file', 'ENXIO', 'ENODEV', 'No such device')) {
    return new RadioTrouble(
      'stickAbsent',
      `there is no coordinator at ${port}`,
      'plug it in; if it has another path now, scan the protocol for it',
      error,
    );
  }
  if (has('EACCES', 'EPERM', 'ermission denied')) {
    return new RadioTrouble(
      'permissionDenied',
      `the gateway may not open ${port}`,
      "add the gateway's user to the group that owns the port (dialout on Debian), then restart the gateway",
      error,
    );
  }
  if (has('EBUSY', 'Cannot lock port', 'temporarily unavailable', 'busy')) {
    return new RadioTrouble(
      'portBusy',
      `${port} is in use by another program`,
      'end what uses it: zigbee2mqtt, ZHA, ModemManager or a second gateway',
      error,
    );
  }
  if (
    has('ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET')
  ) {
    return new RadioTrouble(
      'tcpUnreachable',
      `the network coordinator at ${port} cannot be reached (${code || message})`,
      'is it powered and in this network, and are host and port right?',
      error,
    );
  }
  if (has('Failed to connect to the adapter', 'after 6000ms', 'HOST_FATAL_ERROR', 'Timeout'))
    return stickMute(port);
  if (has('panId collision', 'same panId')) {
    return new RadioTrouble(
      'startFailed',
      'another network with the same PAN id is near',
      'switch the other coordinator off, or choose another channel before the first start',
      error,
    );
  }
  return new RadioTrouble(
    'startFailed',
    `the coordinator at ${port} could not be started: ${message}`,
    `${REPLUG}; the log of the add-on has more`,
    error,
  );
}
