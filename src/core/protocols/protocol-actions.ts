/**
 * What an add-on does on request besides the contract's own methods: the actions of its manifest. Begun at once and
 * carried out as an operation; the result is fetched by the operation's id.
 */
import { ACTION_TIMEOUT_SECONDS, type ManifestAction } from '../../contract/manifest.ts';
import { GatewayError } from '../../model/error.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Operation } from '../../model/operation.ts';
import type { Devices } from '../devices/devices.ts';
import { checkAgainst } from '../devices/type-catalogue.ts';
import type { Operations } from '../operations.ts';
import type { AddonLink } from '../ports.ts';
import type { Protocols } from './protocols.ts';

/** Actions of one add-on that run at one time; a further one is told to come back later. */
export const RUNNING_ACTIONS_MAX = 100;

export interface ProtocolActionsParts {
  protocols: Protocols;
  devices: Devices;
  operations: Operations;
  link: AddonLink;
}

export class ProtocolActions {
  readonly #parts: ProtocolActionsParts;
  /** How many run, by slug. */
  readonly #running = new Map<string, number>();

  constructor(parts: ProtocolActionsParts) {
    this.#parts = parts;
  }

  /** @throws GatewayError notFound: no such protocol, or no such action, naming those there are */
  find(protocolId: string, name: string): ManifestAction {
    const { manifest } = this.#parts.protocols.package(protocolId);
    const actions = manifest.actions ?? {};
    // an own key only: "constructor" is no action
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action) return action;
    const names = Object.keys(actions);
    throw new GatewayError('notFound', `protocol "${manifest.slug}" has no action "${name}"`, {
      hint: names.length > 0 ? `its actions are ${names.join(', ')}` : 'it has no actions',
    });
  }

  /**
   * @throws GatewayError notFound, badRequest naming each parameter that is wrong, conflict (not installed),
   * tooManyRequests
   */
  async begin(protocolId: string, name: string, input: JsonObject): Promise<Operation> {
    const action = this.find(protocolId, name);
    const { protocols, devices, operations, link } = this.#parts;
    const { manifest } = protocols.installed(protocolId);
    const { id, slug } = manifest;
    const params = await checkAgainst(action.parameters, input, `${name} of ${manifest.name}`);
    const running = this.#running.get(slug) ?? 0;
    if (running >= RUNNING_ACTIONS_MAX) {
      throw new GatewayError('tooManyRequests', `${running} actions of protocol "${slug}" run already`, {
        retryAfterSeconds: 5,
      });
    }
    const timeoutMs = (action.timeoutSeconds ?? ACTION_TIMEOUT_SECONDS) * 1_000;
    const subject = { deviceId: devices.gatewayId, protocolId: id, action: name };
    return operations.beginWith(subject, async () => {
      this.#count(slug, 1);
      try {
        return await link.request(slug, { method: name, params, timeoutMs });
      } finally {
        this.#count(slug, -1);
      }
    });
  }

  #count(slug: string, change: number): void {
    const count = (this.#running.get(slug) ?? 0) + change;
    if (count > 0) this.#running.set(slug, count);
    else this.#running.delete(slug);
  }
}
