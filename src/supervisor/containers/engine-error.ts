/**
 * What an engine's refusal means, in gate's words. The status says little (500 stands for a dead registry, a taken port
 * and a missing device alike), so the engine's own sentence is read too. Pure.
 */
import { DeadlineError } from '../../lib/deadline.ts';
import { GatewayError } from '../../model/error.ts';

/** What the engine answered with, as dockerode throws it. */
export interface EngineFailure {
  statusCode?: number;
  code?: string;
  message: string;
}

interface Meaning {
  code: string;
  says: string;
  hint: string;
}

const UNREACHABLE: Meaning = {
  code: 'engineUnavailable',
  says: 'the container engine does not answer',
  hint: 'start it (systemctl start docker), and see that gate’s user may use its socket (group docker)',
};

/** In the order in which they are looked for. */
const MEANINGS: readonly [RegExp, Meaning][] = [
  [
    /no space left on device/i,
    {
      code: 'diskFull',
      says: 'the disk is full',
      hint: 'make room where the engine keeps its images: docker system df',
    },
  ],
  [
    /manifest (for .* )?(not found|unknown)|pull access denied|repository .*(not found|does not exist)|name unknown|invalid reference|no matching manifest/i,
    {
      code: 'imageNotFound',
      says: 'there is no such image',
      hint: 'look at its name and its tag, and whether it is made for the kind of processor of this box',
    },
  ],
  [
    /dial tcp|no such host|connection refused|connection reset|i\/o timeout|TLS handshake|Client\.Timeout|context deadline exceeded|network is unreachable|request canceled|unexpected EOF|server misbehaving|EOF$/i,
    {
      code: 'registryUnreachable',
      says: 'its registry cannot be reached',
      hint: 'look at the box’s way to the Internet, then ask again',
    },
  ],
  [
    /port is already allocated|address already in use|ports are not available/i,
    {
      code: 'portTaken',
      says: 'a port that it wants to serve is taken',
      hint: 'end the program that has it, or install the protocol with another port',
    },
  ],
  [
    /is already in use by container|name .* is (already )?in use/i,
    {
      code: 'nameTaken',
      says: 'a container of that name is there, and is not this gateway’s',
      hint: 'rename or remove it: gate touches only what has its label',
    },
  ],
  [
    /error gathering device information|no such device|device .* (not found|does not exist)/i,
    {
      code: 'deviceMissing',
      says: 'a device node that it needs is not there',
      hint: 'plug the device in, or install the protocol with the path that it has',
    },
  ],
];

const CONNECTION_CODES = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EACCES', 'ETIMEDOUT']);

/** `what` was being done: `fetching image x`. */
export function engineError(what: string, error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const failure = error as EngineFailure;
  const own = ownWords(failure.message);
  const meaning = meaningOf(failure, own, error);
  const message = meaning ? `${what}: ${meaning.says} (${own})` : `${what}: the engine says: ${own}`;
  return new GatewayError('addonUnavailable', message, {
    reasonCode: meaning?.code ?? 'engineRefused',
    hint: meaning?.hint,
    cause: error,
  });
}

/** Whether it was the engine itself that was not there. */
export function isEngineGone(error: unknown): boolean {
  return error instanceof GatewayError && error.reasonCode === UNREACHABLE.code;
}

/** Whether trying again soon may help. */
export function mayPass(error: unknown): boolean {
  return error instanceof GatewayError && error.reasonCode === 'registryUnreachable';
}

/** Whether it is the registry that does not have it, or does not answer. */
export function isElsewhere(error: unknown): boolean {
  return mayPass(error) || (error instanceof GatewayError && error.reasonCode === 'imageNotFound');
}

export function hasStatus(error: unknown, ...statuses: number[]): boolean {
  const status = (error as EngineFailure | undefined)?.statusCode;
  return status !== undefined && statuses.includes(status);
}

function meaningOf(failure: EngineFailure, own: string, error: unknown): Meaning | undefined {
  const isConnection =
    failure.statusCode === undefined &&
    (error instanceof DeadlineError || CONNECTION_CODES.has(failure.code ?? '') || own === 'socket hang up');
  if (isConnection) return UNREACHABLE;
  return MEANINGS.find(([pattern]) => pattern.test(own))?.[1];
}

/** dockerode writes "(HTTP code 404) no such image - …" before what the engine says. */
function ownWords(message: string): string {
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}
