/** The real daemon with simulated devices, and a real browser before it: what the tests of the dashboard share. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { typeIdOf } from '../../../addons/zigbee/src/type-id.ts';
import { buildDashboardIfStale } from '../../../scripts/dashboard/build.ts';
import { freePort } from '../../../scripts/peers/free-port.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { type OpenPage, TestBrowser } from '../../support/browser.ts';
import { Daemon } from '../../support/daemon.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

export interface Credentials {
  clientId: string;
  clientSecret: string;
}
export interface DeviceView {
  id: string;
  name: string;
  status: { eventType: string; reason?: { message: string } };
}

/** Types of the simulated devices, as the catalogue has them. */
export const TYPES = {
  bulb: typeIdOf('Innr', 'RB 285 C'),
  thermometer: typeIdOf('SONOFF', 'SNZB-02'),
};
/** A browser with a page, the daemon, and what it does first. */
export const HOUSE_MS = 120_000;
/** Pages that are told of when a test fails: the latest. */
const TOLD_PAGES = 2;

interface AxeRun {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

export class DashboardHouse {
  readonly browser: TestBrowser;
  readonly #folder: ReturnType<typeof tempFolder>;
  readonly #environment: Record<string, string>;
  daemon: Daemon;
  radio: SimulatedRadio | undefined;
  readonly #opened: OpenPage[] = [];

  private constructor(parts: {
    browser: TestBrowser;
    folder: ReturnType<typeof tempFolder>;
    environment: Record<string, string>;
    daemon: Daemon;
  }) {
    this.browser = parts.browser;
    this.#folder = parts.folder;
    this.#environment = parts.environment;
    this.daemon = parts.daemon;
  }

  /** Undefined where there is no browser; the test is skipped then, by name. */
  static async open(
    test: Mocha.Context,
    environment: Record<string, string> = {},
  ): Promise<DashboardHouse | undefined> {
    test.timeout(HOUSE_MS);
    const reason = reasonToSkip('chromium');
    if (reason !== undefined) {
      if (test.test) test.test.title += ` (${reason})`;
      test.skip();
      return undefined;
    }
    // what is packaged has it inside
    if (!process.env['GATE_BUILT']) await buildDashboardIfStale();
    const folder = tempFolder();
    // the same after a restart, so that the page finds it again
    const settings = { PORT: String(await freePort()), ...environment };
    const daemon = await Daemon.start({ dataFolder: folder.path, environment: settings });
    const browser = await TestBrowser.startApart();
    const house = new DashboardHouse({ browser, folder, environment: settings, daemon });
    // for each test of the suite that this hook is of
    test.test?.parent?.afterEach(function () {
      return house.#explain(this.currentTest);
    });
    return house;
  }

  /** A failure that nobody saw explains itself: what the pages showed stands below its error. */
  async #explain(test: (Mocha.Test & { err?: Error | undefined }) | undefined): Promise<void> {
    if (test?.state !== 'failed' || !test.err) return;
    const pages = this.#opened.filter(({ page }) => !page.isClosed()).slice(-TOLD_PAGES);
    const told = await Promise.all(pages.map(({ story }) => story.tell()));
    test.err.stack = [test.err.stack ?? test.err.message, ...told].join('\n\n');
  }

  get api() {
    return this.daemon.api;
  }

  /** The first client, of scope `admin`; until it has logged in once. */
  get credentials(): Credentials {
    return JSON.parse(readFileSync(join(this.#folder.path, 'first-client.json'), 'utf8'));
  }

  newClient(scopes: readonly string[] = ['admin']): Promise<Credentials> {
    return this.api.send('POST', '/authentication/v1/clients', { name: 'test', scopes });
  }

  /** A page at a place of the dashboard: `/devices/…`. */
  async visit(path = '/', options: BrowserContextOptions = {}): Promise<OpenPage> {
    const opened = await this.browser.open(`${this.daemon.url}/#${path}`, options);
    this.#opened.push(opened);
    return opened;
  }

  /** A simulated stick in the house: it works when this returns. */
  async withZigbee(): Promise<SimulatedRadio> {
    const radio = await SimulatedRadio.start();
    this.radio = radio;
    await this.api.send('POST', '/device/v1/protocols/zigbee/installation', {
      parameters: { port: radio.url },
    });
    await until('the simulated coordinator works', async () => {
      const { parts } = await this.api.get<{ parts: Record<string, { state: string }> }>('/health/ready');
      return parts['addon:zigbee']?.state === 'running';
    });
    return radio;
  }

  /** Creates a device, lets `joining` join, and waits until it is paired. */
  async paired(name: string, type: string, joining: { seek(): void }): Promise<DeviceView> {
    const parameters = type === TYPES.bulb ? { touchlink: false } : {};
    const body = { name, type, parameters, pair: true };
    const { id } = await this.api.send<DeviceView>('POST', '/device/v1/devices', body);
    joining.seek();
    const device = await until(
      'the pairing ends',
      async () => {
        const now = await this.api.get<DeviceView>(`/device/v1/devices/${id}`);
        return now.status.eventType !== 'discovering' && now;
      },
      60_000,
    );
    assert.equal(device.status.eventType, 'paired', device.status.reason?.message);
    return device;
  }

  /** The daemon ends, as in a power cut; `comeBack` starts it again where it was. */
  async goAway(): Promise<void> {
    await this.daemon.kill();
  }

  async comeBack(): Promise<void> {
    this.daemon = await Daemon.start({ dataFolder: this.#folder.path, environment: this.#environment });
  }

  /** Every page that was opened has complained of nothing. */
  assertNoComplaints(): void {
    assert.deepEqual(
      this.#opened.flatMap(({ story }) => story.complaints),
      [],
    );
  }

  async close(): Promise<void> {
    await this.browser.stop();
    await this.daemon.stop();
    await this.radio?.stop();
    this.#folder.remove();
  }
}

/** Logs in by the form that is shown. */
export async function logIn(page: Page, { clientId, clientSecret }: Credentials): Promise<void> {
  const form = page.getByTestId('log-in');
  const typed = { 'Client id': clientId, 'Client secret': clientSecret };
  for (const [label, text] of Object.entries(typed)) await form.getByLabel(label).fill(text);
  // something that takes the focus meanwhile would have it typed elsewhere
  for (const [label, text] of Object.entries(typed))
    assert.equal(await form.getByLabel(label).inputValue(), text, label);
  await form.getByRole('button', { name: 'Log in' }).click();
  await form.waitFor({ state: 'detached' });
}

/** What axe finds wrong with the page as it is shown now: nothing. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  // by the debugger's hand, past the policy that lets nothing foreign in
  await page.evaluate(axe.source);
  const found = await page.evaluate<AxeRun>("axe.run(document, { resultTypes: ['violations'] })");
  const told = found.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary ?? ''}`).join('\n')}`,
  );
  assert.deepEqual(told, [], what);
}

/** Nothing of the page is wider than its window. */
export async function assertFits(page: Page, what: string): Promise<void> {
  const [inner, outer] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  assert.ok(inner <= outer, `${what}: ${inner} px in ${outer} px`);
}

/** What can be pressed is 44 px large, but for links within a line of text. */
export async function assertTargets(page: Page, what: string): Promise<void> {
  const small = await page.evaluate<string[]>(`
    [...document.querySelectorAll('button, select, summary, input:not([type=checkbox]), nav a, a.button')]
      .filter((each) => each.checkVisibility())
      .map((each) => ({ box: each.getBoundingClientRect(), html: each.outerHTML.slice(0, 120) }))
      .filter(({ box }) => box.width > 1 && (box.height < 43.5 || box.width < 43.5))
      .map(({ box, html }) => Math.round(box.width) + '×' + Math.round(box.height) + ' ' + html)`);
  assert.deepEqual(small, [], what);
}
