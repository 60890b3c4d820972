/** The gateway is looked after in a browser: its clients, its logs, its backup and what comes of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { PHONE } from '../../support/browser.ts';
import { until } from '../../support/until.ts';
import { assertAccessible, assertFits, assertTargets, DashboardHouse, logIn } from './dashboard-house.ts';

const SECRET = 'correct horse battery staple';
const STEP_MS = 20_000;

describe('looking after the gateway in the dashboard', function () {
  this.timeout(120_000);
  let house: DashboardHouse;
  let page: Page;

  before(async function () {
    const opened = await DashboardHouse.open(this, { ON_PREMISE_ANONYMOUS: 'read' });
    if (opened) house = opened;
    ({ page } = await house.visit('/clients'));
    page.setDefaultTimeout(STEP_MS);
    await logIn(page, await house.newClient());
  });
  after(async () => {
    await house?.close();
    house?.assertNoComplaints();
  });

  const go = (path: string) => page.evaluate(`location.hash = '${path}'`);
  const clients = () => house.api.get<{ clientId: string; name: string }[]>('/authentication/v1/clients');

  it('adds a client whose secret is shown once and works, and revokes it', async () => {
    await page.getByTestId('client').first().waitFor();
    await assertAccessible(page, 'the clients');
    await page.getByTestId('add-client').click();
    await page.getByTestId('client-name').fill('Tablet');
    await page.getByRole('radio', { name: /Control/ }).check();
    await assertAccessible(page, 'a new client');
    await page.getByTestId('create-client').click();
    const secret = await page.getByTestId('client-secret').inputValue();
    const clientId = await page.getByTestId('client-id').inputValue();
    await assertAccessible(page, 'a secret');
    const logged = await fetch(`${house.daemon.url}/authentication/v1/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ clientId, clientSecret: secret }),
    });
    assert.equal(logged.status, 200);
    await page.getByTestId('secret-noted').click();
    const made = page.getByTestId('client').filter({ hasText: 'Tablet' });
    await made.getByText('Control').waitFor();
    assert.equal((await page.content()).includes(secret), false);
    await made.getByTestId('revoke').click();
    await page.getByTestId('confirm').getByText('It can do nothing any more').waitFor();
    await assertAccessible(page, 'a question');
    await page.getByTestId('confirm-action').click();
    await made.waitFor({ state: 'detached' });
    assert.equal(
      (await clients()).some((client) => client.clientId === clientId),
      false,
    );
  });

  it('shows logs as they are written, by program, level and words, and holds them still', async () => {
    await go('/logs');
    await page.getByTestId('logs-live').waitFor();
    const lines = page.getByTestId('log-line');
    await lines.filter({ hasText: 'gate is up' }).waitFor();
    const made = (name: string) =>
      house.api.send<{ id: string }>('POST', '/device/v1/devices', { name, isVirtual: true });
    // a device that cannot be made: an add-on's trouble is written at once
    const trouble = async () => {
      const { pid } = house.daemon.process;
      assert.ok(pid);
      await house.api
        .send('DELETE', '/device/v1/protocols/virtual/installation?force=true')
        .catch(() => undefined);
      await until('it is removed', async () => {
        const { status } = await house.api.get<{ status: string }>('/device/v1/protocols/virtual');
        return status === 'notInstalled';
      });
      await house.api.send('POST', '/device/v1/protocols/virtual/installation', {});
    };
    await made('V');
    const before = await lines.count();
    await trouble();
    await until('new lines have come', async () => (await lines.count()) > before);
    await page.getByTestId('words').fill('gate is up');
    await until('only what fits is shown', async () => (await lines.count()) === 1);
    await page.getByTestId('words').fill('');
    await page.getByTestId('level').selectOption('troubles');
    const levels = async () => new Set(await page.locator('[data-testid=log-line] .level').allTextContents());
    await until('only troubles are shown', async () =>
      [...(await levels())].every((level) => ['warn', 'error', 'fatal'].includes(level)),
    );
    await page.getByTestId('level').selectOption('all');
    await page.getByTestId('program').selectOption('http');
    await until('only one program is shown', async () => {
      const programs = await page.locator('[data-testid=log-line] .program').allTextContents();
      return programs.length > 0 && programs.every((program) => program === 'http');
    });
    await page.getByTestId('program').selectOption('');
    await page.getByTestId('pause').click();
    const still = await lines.count();
    await trouble();
    await page
      .getByTestId('pause')
      .getByText(/Go on \([1-9]/)
      .waitFor();
    assert.equal(await lines.count(), still);
    await page.getByTestId('pause').click();
    await until('what waited is shown', async () => (await lines.count()) > still);
    await assertAccessible(page, 'the logs');
  });

  it('takes a backup, goes on without the page, and gives the file to be kept', async () => {
    await go('/maintenance');
    await page
      .getByTestId('version')
      .getByText(/^gate \d+\.\d+\.\d+/)
      .waitFor();
    await page.getByTestId('cannot-update').waitFor();
    await assertAccessible(page, 'maintenance');
    await page.getByTestId('passphrase').fill(SECRET);
    await page.getByTestId('passphrase-again').fill('something else, longer');
    await page.getByText('These are two different passphrases').waitFor();
    await page.getByTestId('passphrase-again').fill(SECRET);
    await page.getByTestId('begin-backup').click();
    await page.locator('[data-testid=backup][data-state=running]').waitFor();
    await page.getByTestId('backup').getByRole('progressbar').waitFor();
    await go('/');
    await go('/maintenance');
    await page.locator('[data-testid=backup][data-state=ready]').waitFor({ timeout: 60_000 });
    const downloading = page.waitForEvent('download');
    await page.getByTestId('download-backup').click();
    const download = await downloading;
    assert.match(download.suggestedFilename(), /^gate-\d{4}-.*\.age$/);
    const folder = mkdtempSync(join(tmpdir(), 'gate-download-'));
    try {
      const path = join(folder, 'house.age');
      await download.saveAs(path);
      assert.equal(readFileSync(path).subarray(0, 21).toString(), 'age-encryption.org/v1');

      await house.api.send('POST', '/device/v1/devices', { name: 'Too late', isVirtual: true });
      await page.getByTestId('restore-file').setInputFiles(path);
      await page.getByTestId('restore-passphrase').fill('of another house');
      await page.getByTestId('check-backup').click();
      await page
        .getByTestId('restore-failed')
        .getByText(/passphrase is not that of this backup/)
        .waitFor();
      await page.getByTestId('restore-passphrase').fill(SECRET);
      await page.getByTestId('check-backup').click();
      await page.locator('[data-testid=restore][data-state=checked]').waitFor({ timeout: 60_000 });
      await assertAccessible(page, 'a backup that was checked');
      await page.getByTestId('apply-restore').click();
      await page.getByTestId('confirm-action').click();
      await page.getByTestId('restored').waitFor({ timeout: 60_000 });
      const names = (await house.api.get<{ name: string }[]>('/device/v1/devices')).map(({ name }) => name);
      assert.equal(names.includes('Too late'), false);
      await assertAccessible(page, 'a gateway that was restored');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('asks before a protocol is removed, and says how many devices it has', async () => {
    await go('/protocols/virtual');
    await page.getByTestId('remove-protocol').click();
    const question = page.getByTestId('confirm');
    await question.getByText(/Although it has 1 device/).waitFor();
    await page.getByTestId('confirm-action').click();
    await page
      .getByTestId('error')
      .getByText(/has 1 device/)
      .waitFor();
    await question.getByRole('checkbox').check();
    await page.getByTestId('confirm-action').click();
    await page.locator('[data-testid=protocol][data-status=notInstalled]').waitFor();
    await page.getByTestId('install').click();
    await page.locator('[data-testid=protocol][data-status=installed]').waitFor({ timeout: 60_000 });
  });

  it('works on a phone, in the dark and in Italian', async () => {
    const { page: phone } = await house.visit('/clients', { ...PHONE, colorScheme: 'dark', locale: 'it-IT' });
    phone.setDefaultTimeout(STEP_MS);
    const { clientId, clientSecret } = await house.newClient();
    const form = phone.getByTestId('log-in');
    await form.getByLabel('Id del client').fill(clientId);
    await form.getByLabel('Segreto del client').fill(clientSecret);
    await form.getByRole('button', { name: 'Accedi' }).click();
    await phone.getByTestId('client').first().waitFor();
    for (const [path, title] of [
      ['/clients', 'Client'],
      ['/logs', 'Registri'],
      ['/maintenance', 'Manutenzione'],
    ] as const) {
      await phone.evaluate(`location.hash = '${path}'`);
      await phone.getByRole('heading', { level: 1, name: title }).waitFor();
      await phone.waitForLoadState('networkidle');
      await assertAccessible(phone, `${path} on a phone`);
      await assertFits(phone, path);
      await assertTargets(phone, path);
    }
  });
});
