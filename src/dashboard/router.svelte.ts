/** Where the page is: what stands behind `#` in its address. So the gateway serves one page, and links lead anywhere. */
import type { Component } from 'svelte';

export type Parameters = Readonly<Record<string, string>>;
/** A page is given the parts of its address; one without such takes nothing. */
export type Page = Component<{ parameters: Parameters }>;
export interface Route {
  /** `/devices/:id` */
  path: string;
  load: () => Promise<{ default: Page | Component<Record<string, never>> }>;
}
export interface Match {
  route: Route;
  parameters: Parameters;
}

class Router {
  #path = $state(pathNow());

  constructor() {
    addEventListener('hashchange', () => {
      this.#path = pathNow();
    });
  }

  /** Without the `#`, with its leading `/`. */
  get path(): string {
    return this.#path;
  }

  go(path: string): void {
    location.hash = path;
  }
}

function pathNow(): string {
  const path = location.hash.slice(1).replace(/\?.*$/, '');
  return path.startsWith('/') ? path : '/';
}

/** The first route that `path` fits. */
export function matched(routes: readonly Route[], path: string): Match | undefined {
  const given = path.split('/');
  for (const route of routes) {
    const wanted = route.path.split('/');
    if (wanted.length !== given.length) continue;
    const parameters: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const value = given[index] as string;
      if (!part.startsWith(':')) return part === value;
      parameters[part.slice(1)] = safelyDecoded(value);
      return value !== '';
    });
    if (fits) return { route, parameters };
  }
  return undefined;
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a place in the page: `href={to('/devices', id)}` */
export function to(...parts: string[]): string {
  const [first = '/', ...others] = parts;
  return `#${[first, ...others.map(encodeURIComponent)].join('/')}`;
}

export const router = new Router();
