/**
 * What a page went through, for whoever has to find out why a test failed without having seen it: what it shows, what it
 * asked the gateway for, and what it complained of.
 */
import type { Page, Request } from 'playwright-core';

/** The last ones count. */
const CALLS_MAX = 30;
const SHOWN_MAX_CHARS = 4_000;
/** A page that does not answer is told as such. */
const SNAPSHOT_MS = 3_000;

/** What a 4xx or 5xx of the gateway, and a connection that is cut, write into the console by themselves. */
const OF_THE_NETWORK = /^Failed to load resource|ERR_CONNECTION_REFUSED|WebSocket connection to/;

interface Call {
  began: number;
  text: string;
  /** Its status or why it failed; undefined while nothing has come. */
  ended?: string;
}

export class PageStory {
  /** Errors that nobody caught, and what the console was told; empty where all is well. */
  readonly complaints: string[] = [];
  readonly #page: Page;
  readonly #calls: Call[] = [];
  readonly #open = new Map<Request, Call>();

  constructor(page: Page) {
    this.#page = page;
    page.on('pageerror', (error) => this.complaints.push(error.stack ?? error.message));
    page.on('console', (message) => {
      const told = message.type() === 'error' || message.type() === 'warning';
      if (told && !OF_THE_NETWORK.test(message.text())) this.complaints.push(message.text());
    });
    page.on('request', (request) => this.#begin(request));
    page.on('requestfailed', (request) => this.#end(request, request.failure()?.errorText ?? 'failed'));
    page.on('response', (response) => this.#end(response.request(), String(response.status())));
  }

  /** In words, of a bounded length. Never rejects. */
  async tell(): Promise<string> {
    const shown = await this.#page
      .locator('body')
      .ariaSnapshot({ timeout: SNAPSHOT_MS })
      .catch((error: Error) => `nothing that could be read: ${error.message.split('\n')[0]}`);
    const calls = this.#calls.map(
      ({ began, text, ended }) => `${(began / 1_000).toFixed(2)} s ${text}: ${ended ?? 'no answer yet'}`,
    );
    return [
      `at ${this.#page.url()}, ${(performance.now() / 1_000).toFixed(2)} s, it shows`,
      shown.slice(0, SHOWN_MAX_CHARS),
      'its last calls',
      ...calls,
      ...(this.complaints.length > 0 ? ['it complained of', ...this.complaints] : []),
    ].join('\n');
  }

  #begin(request: Request): void {
    const { pathname, search } = new URL(request.url());
    const call = { began: performance.now(), text: `${request.method()} ${pathname}${search}` };
    this.#open.set(request, call);
    this.#calls.push(call);
    if (this.#calls.length > CALLS_MAX) this.#calls.shift();
  }

  #end(request: Request, ended: string): void {
    const call = this.#open.get(request);
    this.#open.delete(request);
    if (call) call.ended = `${ended} after ${Math.round(performance.now() - call.began)} ms`;
  }
}
