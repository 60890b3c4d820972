/** Why a device could not be spoken to, in words for a person; the codes are documented in addons/http/README.md. */
import { AddonError } from '@gate/addon-sdk';
import type { HttpAddress } from './http-parameters.ts';

/** As much as is shown of what a device said. */
export const OWN_WORDS_MAX_CHARS = 500;

const UNREACHABLE = {
  ECONNREFUSED: 'it refused the connection',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to its network',
  EHOSTDOWN: 'it is down',
  ECONNRESET: 'it broke off the connection',
  EPIPE: 'it broke off the connection',
} as const;
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO)/;

/** Turns an error of node:net, node:tls or node:http into the one a person reads. */
export function failureOf(error: unknown, address: HttpAddress): AddonError {
  if (error instanceof AddonError) return error;
  const place = placeOf(address);
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND' || code.startsWith('EAI_')) {
    return new AddonError('unresolved', `the name "${address.hostname}" is unknown in this network`, {
      hint: 'is it spelled right? an IP address works without DNS',
      cause: error,
    });
  }
  if (code === 'ETIMEDOUT') return timedOut(address);
  if (TLS.test(code)) {
    return new AddonError('tls', `no secure connection to ${place}: ${message}`, {
      hint:
        code === 'ERR_TLS_PINNED'
          ? 'was its certificate renewed? compare this fingerprint at the device itself, then pin it'
          : 'is its certificate valid for this name and signed by an authority that this box trusts? "ca" takes a private one, "fingerprint" pins this certificate. is the port its https port?',
      cause: error,
    });
  }
  if (code.startsWith('HPE_')) {
    return new AddonError('brokenAnswer', `${place} does not speak HTTP: ${message}`, {
      hint: 'are protocol and port right?',
      cause: error,
    });
  }
  const why = UNREACHABLE[code as keyof typeof UNREACHABLE] ?? message;
  return new AddonError('unreachable', `${place} cannot be reached: ${why}`, {
    hint: 'is it powered and in this network, and are address and port right?',
    cause: error,
  });
}

export function timedOut(address: HttpAddress): AddonError {
  return new AddonError('timeout', `${placeOf(address)} did not answer in time`, {
    hint: 'is it powered and in this network? a busy device may need longer',
  });
}

/** As much of an answer as a refusal is told by. */
interface Refused {
  status: number;
  location: string;
  text: string;
  /** The values of `WWW-Authenticate`. */
  challenges?: readonly string[];
}

/** A status outside 2xx, with the device's own words. */
export function refusal(
  code: 'refused' | 'deviceRefused',
  { status, location, text, challenges = [] }: Refused,
): AddonError {
  const words = location ? `it points to ${location}` : text.trim();
  const own = words.slice(0, OWN_WORDS_MAX_CHARS);
  return new AddonError(code, `the device answered ${status}${own ? `: ${own}` : ''}`, {
    deviceStatus: status,
    hint: refusalHint(status, challenges),
  });
}

function refusalHint(status: number, challenges: readonly string[]): string {
  if (status >= 300 && status < 400) return 'redirects are not followed: use the address it points to';
  if (status === 401) {
    const schemes = challenges.map((each) => each.trim().split(/[\s,]/)[0]).filter((each) => each !== '');
    return schemes.length > 0
      ? `the device wants a login by ${schemes.join(' or ')}: are "authentication" and what it holds right?`
      : 'the device wants a login: is "authentication" right?';
  }
  if (status === 403) return 'the device does not allow this: does its own setting for the API say so?';
  if (status === 404) return 'does the device have this path?';
  if (status >= 500) return 'the device itself has a problem: its own log or a restart may help';
  return "the words are the device's own: its API documentation explains them";
}

export function placeOf({ protocol, hostname, port }: HttpAddress): string {
  return `${protocol}://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
}
