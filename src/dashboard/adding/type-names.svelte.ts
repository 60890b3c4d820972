/** The names of all device types, asked for once and searched here: 4,500 of them while somebody types. */

import type { TypeName } from '../api/answers.ts';
import { request } from '../api/client.ts';
import { session } from '../session/session.svelte.ts';

const LOAD_MS = 40_000;

interface Entry {
  type: TypeName;
  /** In lower case: model, and all that is searched. */
  model: string;
  searched: string;
}

/**
 * The gateway says by a tag whether they are still those that the browser keeps: 200 kB that need not come again. Sent past
 * `api`, which keeps nothing.
 */
async function asked(): Promise<{ data?: TypeName[]; error?: unknown; response: Response }> {
  const { token } = session;
  const response = await fetch('/device/v1/type-names', {
    ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }),
    cache: 'no-cache',
    credentials: 'omit',
    signal: AbortSignal.timeout(LOAD_MS),
  });
  const body = await response.json().catch(() => undefined);
  return response.ok ? { data: body, response } : { error: body, response };
}

class TypeNames {
  #entries = $state.raw<readonly Entry[] | undefined>();

  get isKnown(): boolean {
    return this.#entries !== undefined;
  }

  get count(): number {
    return this.#entries?.length ?? 0;
  }

  /** @throws ApiError */
  async load(): Promise<void> {
    if (this.#entries) return;
    const names = await request(asked);
    this.#entries = names.map((type) => ({
      type,
      model: type.model.toLowerCase(),
      searched: `${type.manufacturer} ${type.model} ${type.description}`.toLowerCase(),
    }));
  }

  /** All that have every word; those whose model begins so come first. */
  search(text: string): TypeName[] {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [];
    const found = (this.#entries ?? []).filter(({ searched }) =>
      words.every((word) => searched.includes(word)),
    );
    const rank = ({ model, searched }: Entry) =>
      words.some((word) => model.startsWith(word))
        ? 0
        : words.some((word) => searched.startsWith(word))
          ? 1
          : 2;
    return found
      .map((entry) => ({ entry, rank: rank(entry) }))
      .sort((one, other) => one.rank - other.rank)
      .map(({ entry }) => entry.type);
  }
}

export const typeNames = new TypeNames();
