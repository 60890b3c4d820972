/** What the API counts of itself, in plain numbers: requests by route, refusals, log-ins. For `/metrics`. */
import { Distribution, Tally } from '../lib/tally.ts';

const DURATION_BOUNDS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Of one route and method; `route` is its template, so that there are never more than the API has. */
export interface RouteFigures {
  method: string;
  route: string;
  statuses: Tally;
  seconds: Distribution;
}

export class HttpFigures {
  readonly #routes = new Map<string, RouteFigures>();
  /** Requests past a rate limit, by `client` and `anonymous`. */
  readonly rateLimited = new Tally();
  failedLogIns = 0;
  limitedLogIns = 0;

  /** @param route undefined for a request that led nowhere */
  answered(method: string, route: string | undefined, { status, ms }: { status: number; ms: number }): void {
    const name = KNOWN_METHODS.has(method) ? method : 'other';
    const key = `${name} ${route}`;
    let figures = this.#routes.get(key);
    if (!figures) {
      const seconds = new Distribution(DURATION_BOUNDS_SECONDS);
      figures = { method: name, route: route ?? 'none', statuses: new Tally(), seconds };
      this.#routes.set(key, figures);
    }
    figures.statuses.add(String(status));
    figures.seconds.add(ms / 1_000);
  }

  routes(): Iterable<RouteFigures> {
    return this.#routes.values();
  }
}
