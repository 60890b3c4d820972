/**
 * Why there is no connection to the cloud, in words that say what to do: TLS and network errors of Node, codes of MQTT
 * 3.1.1 (3.2.2.3) and MQTT 5 (3.2.2.2, 3.14.2.1). Pure.
 */

/** As AWS IoT calls them in the published `disconnected` event. */
export type DisconnectReason =
  | 'AUTH_ERROR'
  | 'CLIENT_INITIATED_DISCONNECT'
  | 'CONNECTION_LOST'
  | 'DUPLICATE_CLIENTID'
  | 'FORBIDDEN_ACCESS'
  | 'MQTT_KEEP_ALIVE_TIMEOUT'
  | 'SERVER_ERROR'
  | 'SERVER_INITIATED_DISCONNECT'
  | 'THROTTLED';

/** How a connection, or an attempt to make one, ended. */
export interface LinkEnd {
  code: DisconnectReason;
  /** In words. */
  reason: string;
  /** The broker does not know this version of MQTT, or did not say a word: the other one is tried next. */
  tryOtherVersion?: boolean;
  /** It may be the box's clock. */
  concernsTime?: boolean;
  /** What the broker keeps for this gateway cannot be taken: the next connection begins anew. */
  startAnew?: boolean;
}

export interface Endpoint {
  host: string;
  port: number;
}

const CONNECT_CODES_4: Record<number, string> = {
  1: 'it does not speak this version of MQTT',
  2: 'it does not take this client id',
  3: 'it is not available',
  4: 'it takes no log-in by this certificate',
  5: 'this certificate may not connect with this client id',
};

const CODES_5: Record<number, string> = {
  128: 'for no reason that it gives',
  129: 'it finds the packet malformed',
  130: 'it sees a protocol error',
  132: 'it does not speak this version of MQTT',
  133: 'it does not take this client id',
  134: 'it takes no log-in by this certificate',
  135: 'this certificate is not authorized',
  136: 'it is not available',
  137: 'it is busy',
  138: 'this client is banned',
  139: 'it is being shut down',
  141: 'it heard nothing for longer than the keep-alive time',
  142: 'another client has connected with the same id',
  143: 'it finds the topic filter invalid',
  144: 'it finds the topic invalid',
  147: 'too much was unacknowledged at once',
  149: 'the packet is too large for it',
  150: 'messages come too fast for it',
  151: 'a quota is used up',
  152: 'by order of its administrator',
  153: 'the payload is not as it expects',
  156: 'use another server',
  157: 'the server has moved',
  159: 'connections come too fast for it',
};
const TAKEN_OVER = 142;
const UNSUPPORTED_VERSION = 132;

/** What a code of MQTT 5 means; codes from 128 on are refusals. */
export function wordsOf(code: number): string {
  return CODES_5[code] ?? `with code ${code}`;
}

/** The broker's CONNACK turned the connection down. */
export function refusedBy(code: number, version: 4 | 5, said?: string): LinkEnd {
  // a broker that does not know MQTT 5 answers in 3.1.1
  const words = (code < 128 ? CONNECT_CODES_4[code] : undefined) ?? wordsOf(code);
  const isAboutVersion = version === 5 && (code === 1 || code === UNSUPPORTED_VERSION);
  const isDenied = [4, 5, 134, 135, 138].includes(code);
  return {
    code: isDenied ? 'AUTH_ERROR' : code === 159 ? 'THROTTLED' : 'SERVER_ERROR',
    reason: `the broker refuses the connection: ${words}${saying(said)}`,
    ...(isAboutVersion ? { tryOtherVersion: true } : {}),
  };
}

/** The broker's DISCONNECT (MQTT 5). */
export function endedBy(code: number, said?: string): LinkEnd {
  if (code === TAKEN_OVER) {
    return {
      code: 'DUPLICATE_CLIENTID',
      reason: `another client has connected with the id of this gateway${saying(said)}: is a copy of its credentials in use elsewhere?`,
    };
  }
  const codes: Record<number, DisconnectReason> = {
    135: 'FORBIDDEN_ACCESS',
    141: 'MQTT_KEEP_ALIVE_TIMEOUT',
    150: 'THROTTLED',
    151: 'THROTTLED',
  };
  return {
    code: codes[code] ?? 'SERVER_INITIATED_DISCONNECT',
    reason: `the broker ended the connection: ${wordsOf(code)}${saying(said)}`,
  };
}

function saying(said: string | undefined): string {
  return said ? ` (${said.slice(0, 200)})` : '';
}
