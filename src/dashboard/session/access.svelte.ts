/** What whoever is at the page may see, as the gateway says: nothing without a log-in, or its devices. */
import { api } from '../api/client.ts';
import { session } from './session.svelte.ts';

const AGAIN_MS = 2_000;
/** It is answered from memory: what takes longer is asked again. */
const ANSWER_MS = 5_000;

export type Access = 'unknown' | 'none' | 'read';

class AccessFinder {
  #known = $state<Access>('unknown');
  /** The latest question counts: an answer to a former one may come after it, and be of somebody else. */
  #asked = 0;

  constructor() {
    session.onChange(() => void this.find());
  }

  get known(): Access {
    return this.#known;
  }

  /** Asks until there is an answer. */
  async find(): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    const found = await find().catch(() => undefined);
    if (asked !== this.#asked) return;
    if (found !== undefined) this.#known = found;
    else setTimeout(() => asked === this.#asked && void this.find(), AGAIN_MS);
  }
}

/** Undefined where the answer tells nothing of it, such as "too many requests": what is shown stays then. */
async function find(): Promise<Access | undefined> {
  const call = { signal: AbortSignal.timeout(ANSWER_MS) };
  const { data, error, response } = await api.GET('/health/ready', call);
  // 503 has the same form
  const told = data ?? error;
  // each part is told to those only who may read
  if (told && 'status' in told) return told.parts ? 'read' : 'none';
  // the token is void: what a visitor may see is asked next
  if (response.status === 401 && session.token !== undefined) session.end();
  else if (response.status === 401 || response.status === 403) return 'none';
  return undefined;
}

export const access = new AccessFinder();
