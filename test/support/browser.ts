/**
 * A real browser, headless, with an empty profile: Debian's Chromium driven by Playwright. It reaches nothing but this
 * machine. What a page goes through is kept (`page-story.ts`).
 */
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
  type Request,
} from 'playwright-core';
import { programPath } from '../../scripts/peers/peers.ts';
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

const NETWORK_CHANGED = 'net::ERR_NETWORK_CHANGED';
const LOADS_MAX = 3;
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

  private constructor(browser: Browser) {
    this.browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    const executablePath = programPath('chromium');
    if (executablePath === undefined)
      throw new Error('chromium is not installed: node scripts/peers.ts chromium');
    return new TestBrowser(await chromium.launch({ executablePath, args: FLAGS, headless: true }));
  }

  /** A page with a profile of its own, in English where nothing else is said. */
  async open(url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
    const context = await this.browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_MS);
    const story = new PageStory(page);
    await load(page, url);
    return { page, context, story };
  }

  async stop(): Promise<void> {
    await this.browser.close();
  }
}

/** What is fetched while an interface of the machine comes or goes, as those of containers do, Chromium gives up. */
async function load(page: Page, url: string): Promise<void> {
  let isCut = true;
  const note = (request: Request) => {
    isCut ||= request.failure()?.errorText === NETWORK_CHANGED;
  };
  page.on('requestfailed', note);
  for (let attempt = 1; isCut && attempt <= LOADS_MAX; attempt += 1) {
    isCut = false;
    await page.goto(url).catch((error: Error) => {
      isCut = error.message.includes(NETWORK_CHANGED);
      if (!isCut) throw error;
    });
  }
  page.off('requestfailed', note);
}
