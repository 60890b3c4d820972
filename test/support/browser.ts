/**
 * A real browser, headless, with an empty profile: Debian's Chromium driven by Playwright. It reaches nothing but this
 * machine, and for tests from a network of its own: whenever an interface of its machine comes or goes, as those of
 * containers do, Chromium gives up what is under way. What a page goes through is kept (`page-story.ts`).
 */
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { programPath } from '../../scripts/peers/peers.ts';
import { OwnNetwork } from './own-network.ts';
import { PageStory } from './page-story.ts';

/** It is started as root in containers, needs no GPU, and must not call home. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Less than a test has: what it waited for is told then, and not only that it took too long. */
const STEP_MS = 20_000;

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;

export interface OpenPage {
  page: Page;
  context: BrowserContext;
  story: PageStory;
}

export class TestBrowser {
  readonly browser: Browser;
  readonly #network: OwnNetwork | undefined;

  private constructor(browser: Browser, network?: OwnNetwork) {
    this.browser = browser;
    this.#network = network;
  }

  /** @param network where it shall be; that of this machine where none is given */
  static async start(network?: OwnNetwork): Promise<TestBrowser> {
    const program = programPath('chromium');
    if (program === undefined) throw new Error('chromium is not installed: node scripts/peers.ts chromium');
    const executablePath = network?.within(program) ?? program;
    return new TestBrowser(await chromium.launch({ executablePath, args: FLAGS, headless: true }), network);
  }

  /** In a network of its own, where there can be one. */
  static async startApart(): Promise<TestBrowser> {
    return TestBrowser.start(await OwnNetwork.open());
  }

  /** A page with a profile of its own, in English where nothing else is said. */
  async open(url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
    const context = await this.browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_MS);
    const story = new PageStory(page);
    await this.#network?.reach(Number(new URL(url).port));
    await page.goto(url);
    return { page, context, story };
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.#network?.close();
  }
}
