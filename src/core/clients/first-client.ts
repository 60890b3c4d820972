/**
 * The first client, scope admin: made at the first start of a box, so that the API can be administered from the
 * LAN without a default password. Its id and secret are told in a file that only the gateway's user can read, and
 * that goes when the client has logged in. It is made once in a box's life: removed, it stays removed.
 */

import type { GatewayEventBus } from '../events.ts';
import type { FirstClientNote, Registry } from '../ports.ts';
import type { Clients } from './clients.ts';

const MARK = 'firstClient';
const NAME = 'first client';

export interface FirstClientParts {
  clients: Clients;
  registry: Registry;
  note: FirstClientNote;
  events: GatewayEventBus;
  /** The first client could not be made or its file not be removed; the gateway works without. */
  onTrouble: (error: unknown) => void;
}

export class FirstClient {
  readonly #parts: FirstClientParts;

  constructor(parts: FirstClientParts) {
    this.#parts = parts;
  }

  /** Before the API answers. @returns whether the file is there, for somebody to read */
  async start(): Promise<boolean> {
    const { clients, registry, events, note, onTrouble } = this.#parts;
    try {
      const clientId = registry.kept(MARK) ?? (await this.#make());
      events.on('clientLoggedIn', (fact) => {
        if (fact.clientId === clientId) this.#removeNote();
      });
      events.on('clientTokensVoided', (fact) => {
        if (fact.clientId === clientId && !clients.has(clientId)) this.#removeNote();
      });
      // a power cut may have come between the log-in and the end of the file
      const waiting = clients.list().some((client) => client.clientId === clientId && !client.lastUsedAt);
      if (!waiting) await note.remove();
      return await note.exists();
    } catch (error) {
      onTrouble(error);
      return false;
    }
  }

  async #make(): Promise<string> {
    const { clients, registry, note } = this.#parts;
    // no mark, but a client that nobody used: a start that ended before its secret was told
    for (const { clientId, name, lastUsedAt } of clients.list()) {
      if (name === NAME && lastUsedAt === undefined) await clients.remove(clientId);
    }
    if (clients.list().length > 0) return registry.keep(MARK, () => 'none');
    const { clientId, clientSecret, scopes } = await clients.add({ name: NAME, scopes: ['admin'] });
    await note.write({ clientId, clientSecret, scopes });
    return registry.keep(MARK, () => clientId);
  }

  #removeNote(): void {
    const { note, onTrouble } = this.#parts;
    note.remove().catch(onTrouble);
  }
}
