/**
 * The topics of the cloud contract: `[<NODE_ENV>-]<kind>/<PROJECT_ID>/<client id>/…`, built and taken apart. Pure.
 * Nothing that does not lie below this gateway's own base is ever taken for a command.
 */
import { TOPIC_MAX_BYTES, TOPIC_SLASHES_MAX } from './limits.ts';

/** What the cloud can ask, by the end of its topic. */
export type CommandName =
  | 'createDevice'
  | 'installProtocol'
  | 'updateProtocol'
  | 'updateSoftware'
  | 'requestCertificate'
  | 'putCertificate'
  | 'set'
  | 'get'
  | 'remove';

export interface CommandAddress {
  command: CommandName;
  /** Of `set`, `get` and `remove`. */
  deviceId?: string;
}

const DISCOVER: Record<string, CommandName> = {
  'device/post': 'createDevice',
  'protocol/post': 'installProtocol',
  'protocol/update': 'updateProtocol',
  'software/update': 'updateSoftware',
  'certificate/request': 'requestCertificate',
  'certificate/put': 'putCertificate',
};
const CONTROL = new Set<string>(['set', 'get', 'remove']);
/** Added to the published table: a broker that does not let the gateway subscribe to them is well. */
const OPTIONAL = /certificate\/(request|put)$/;

export interface CloudIdentity {
  projectId: string;
  gatewayId: string;
  /** `<NODE_ENV>-` outside production, else nothing. */
  environment: string;
}

export class CloudTopics {
  /** The MQTT client id, which is also the last part of the base. */
  readonly clientId: string;
  readonly #environment: string;
  readonly #place: string;

  constructor({ projectId, gatewayId, environment }: CloudIdentity) {
    this.clientId = `${environment}${gatewayId}`;
    this.#environment = environment;
    this.#place = `${projectId}/${this.clientId}`;
  }

  of(kind: 'data' | 'discover' | 'control', ...levels: string[]): string {
    return [`${this.#environment}${kind}`, this.#place, ...levels].join('/');
  }

  /** All that is subscribed to, the published ones first. */
  get subscriptions(): string[] {
    return [
      ...Object.keys(DISCOVER).map((end) => this.of('discover', end)),
      ...[...CONTROL].map((end) => this.of('control', '+', end)),
    ].sort((a, b) => Number(OPTIONAL.test(a)) - Number(OPTIONAL.test(b)));
  }

  isOptional(subscription: string): boolean {
    return OPTIONAL.test(subscription);
  }

  /** Undefined for what is no command to this gateway. */
  parse(topic: string): CommandAddress | undefined {
    const discover = this.of('discover', '');
    if (topic.startsWith(discover)) {
      const end = topic.slice(discover.length);
      return Object.hasOwn(DISCOVER, end) ? { command: DISCOVER[end] as CommandName } : undefined;
    }
    const control = this.of('control', '');
    if (!topic.startsWith(control)) return undefined;
    const [deviceId = '', command = '', ...rest] = topic.slice(control.length).split('/');
    if (rest.length > 0 || deviceId === '' || !CONTROL.has(command)) return undefined;
    return { command: command as CommandName, deviceId };
  }

  /**
   * Why a device's readings cannot go to `topic`; undefined when they can: `<kind>/<project>/<client id>/…` without
   * wildcards, and of no kind that the contract itself uses, where a reading would be taken for a command or a report.
   */
  problemOf(topic: string): string | undefined {
    const [kind = '', ...rest] = topic.split('/');
    const form = `must have the form ${this.#environment}<kind>/${this.#place}/…`;
    if (!topic.includes(`/${this.#place}/`) || !rest.join('/').startsWith(`${this.#place}/`)) return form;
    if (!kind.startsWith(this.#environment)) return form;
    if (!/^[\w-]+$/.test(kind)) return 'its kind must be letters, digits, "_" and "-"';
    if (/[+#]/.test(topic)) return 'must have no wildcard';
    if (/[\p{Cc}\p{Cs}\s$\\]/u.test(topic)) return 'must have no control character, space, "$" or "\\"';
    if (rest.includes('')) return 'must have no empty level';
    if (['discover', 'control'].includes(kind.slice(this.#environment.length)))
      return 'must not be of the kinds discover and control, which commands and reports have';
    if (Buffer.byteLength(topic) > TOPIC_MAX_BYTES) return `must have at most ${TOPIC_MAX_BYTES} bytes`;
    if (rest.length > TOPIC_SLASHES_MAX) return `must have at most ${TOPIC_SLASHES_MAX} slashes`;
    return undefined;
  }
}
