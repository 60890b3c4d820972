/** A protocol that is a container, installed and removed in a browser: the fetching of its image is followed in bytes. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import { ContainerEngine, reasonForNoEngine } from '../../support/container-engine.ts';
import { buildVersion, bundleProgram } from '../containers/programs.ts';
import { assertAccessible, DashboardHouse, logIn } from './dashboard-house.ts';

const STEP_MS = 30_000;
const BALLAST_BYTES = 12_000_000;

describe('a container in the dashboard', function () {
  this.timeout(180_000);
  let engine: ContainerEngine;
  let house: DashboardHouse;
  let page: Page;

  before(async function () {
    const reason = reasonForNoEngine();
    if (reason) {
      if (this.test) this.test.title += ` (${reason})`;
      this.skip();
    }
    engine = await ContainerEngine.start();
    const opened = await DashboardHouse.open(this, {
      ON_PREMISE_ANONYMOUS: 'read',
      ...engine.environment,
    });
    this.timeout(180_000);
    if (opened) house = opened;
    const [program] = await Promise.all([bundleProgram(), engine.buildBase()]);
    // a layer that takes a moment to fetch
    const ballast = `\n// ${randomBytes(BALLAST_BYTES).toString('base64')}\n`;
    const build = { program: `${program}${ballast}`, name: 'shown:1', behaviour: 'good' } as const;
    const image = await buildVersion(engine, build);
    // what was built here is fetched like anybody's: nothing of it is left
    await engine.docker('system', 'prune', '--all', '--force');
    const head = {
      id: 'shown',
      slug: 'shown',
      name: 'Shown',
      description: '',
      contract: 1,
      version: '1.0.0',
    };
    await house.api.send('POST', '/device/v1/protocols', {
      ...head,
      parameters: { type: 'object', properties: { greeting: { type: 'string', default: 'hello' } } },
      types: [],
      runtime: { container: { image } },
    });
    ({ page } = await house.visit('/protocols'));
    page.setDefaultTimeout(STEP_MS);
    await page.getByTestId('ask-log-in').first().click();
    await logIn(page, await house.newClient());
  });
  after(async () => {
    await house?.close();
    await engine?.stop();
    house?.assertNoComplaints();
  });

  it('is installed while one sees how much of its image has come, and read line by line', async () => {
    await page.getByTestId('protocol-shown').getByRole('link', { name: 'Shown', exact: true }).click();
    await page.getByTestId('install-form').getByLabel('Greeting').fill('good day');
    // what stood there for a moment alone counts too
    await page.evaluate(`
      window.seen = [];
      new MutationObserver(() => {
        const shown = document.querySelector('[data-testid=installation-progress]');
        if (shown) seen.push(shown.textContent);
      }).observe(document.body, { subtree: true, childList: true, characterData: true })`);
    await page.getByTestId('install').click();
    await page.locator('[data-testid=protocol][data-status=installed]').waitFor({ timeout: 120_000 });
    const seen = await page.evaluate<string[]>('seen');
    assert.ok(
      seen.some((text) => /[1-9]\S* (byte|kB|MB) of [1-9]\S* (byte|kB|MB)/.test(text)),
      JSON.stringify(seen),
    );
    await page.getByTestId('last-lines').getByText('this is').waitFor();
    await page.getByTestId('last-lines').getByText('line').first().waitFor();
    await assertAccessible(page, 'a container');
  });

  it('is removed with its data where that is chosen', async () => {
    await page.getByTestId('remove-protocol').click();
    await page
      .getByTestId('confirm')
      .getByRole('checkbox', { name: /Delete what it has kept/ })
      .check();
    await page.getByTestId('confirm-action').click();
    await page.locator('[data-testid=protocol][data-status=notInstalled]').waitFor({ timeout: 60_000 });
    assert.equal(await engine.docker('volume', 'ls', '--quiet'), '');
  });
});
