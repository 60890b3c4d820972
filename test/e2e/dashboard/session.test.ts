/** Who is let in, who is asked, and what is said when it goes wrong. */
import assert from 'node:assert/strict';
import { until } from '../../support/until.ts';
import { type Credentials, DashboardHouse, logIn } from './dashboard-house.ts';

describe('the dashboard asks who is there', () => {
  let house: DashboardHouse;
  let credentials: Credentials;

  describe('where nobody may see anything without a log-in', () => {
    before(async function () {
      const opened = await DashboardHouse.open(this, {
        ON_PREMISE_ANONYMOUS: 'none',
        TOKEN_LIFETIME_MINUTES: '1',
      });
      if (opened) house = opened;
      credentials = house.credentials;
    });
    after(() => house?.close());

    it('before it shows anything, and says in the gateway’s words why a log-in fails', async () => {
      const { page } = await house.visit('/');
      const form = page.getByTestId('log-in');
      await form.waitFor();
      assert.equal(await page.getByRole('navigation').count(), 0);
      await form.getByLabel('Client id').fill(credentials.clientId);
      await form.getByLabel('Client secret').fill('wrong');
      await form.getByRole('button', { name: 'Log in' }).click();
      const told = await page.getByTestId('error').textContent();
      assert.match(told ?? '', /clientId or clientSecret|client|secret/i);
      await logIn(page, credentials);
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      // a log-in is the page's alone: nothing of it stays
      const kept = await page.evaluate<string>(
        'JSON.stringify([localStorage, sessionStorage, document.cookie])',
      );
      assert.ok(!kept.includes(credentials.clientSecret) && !/eyJ/.test(kept), kept);
      await page.reload();
      await page.getByTestId('log-in').waitFor();
    });

    it('and goes on being logged in past the life of a token', async () => {
      const client = await house.newClient();
      const { page } = await house.visit('/', {});
      let asked = 0;
      page.on('request', (request) => {
        if (request.url().endsWith('/oauth/token')) asked += 1;
      });
      await page.clock.install();
      await logIn(page, client);
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      assert.equal(asked, 1);
      await page.clock.fastForward(35_000);
      await until('the token is renewed', () => asked >= 2);
      assert.equal(await page.getByTestId('log-in').count(), 0);
    });

    // the last one: from then on nobody is let in from this address for a while
    it('tells how long to wait after too many wrong log-ins', async () => {
      const { page } = await house.visit('/');
      const form = page.getByTestId('log-in');
      await form.getByLabel('Client id').fill('nobody');
      await form.getByLabel('Client secret').fill('wrong');
      const submit = form.getByRole('button', { name: 'Log in' });
      await assert.doesNotReject(async () => {
        for (let tried = 0; tried < 40; tried += 1) {
          await submit.click();
          await page.locator('[data-testid=log-in] button[type=submit]:not([aria-busy])').waitFor();
          if (await page.getByText(/may be tried again in/).count()) return;
        }
        throw new Error('it is never limited');
      });
    });
  });

  describe('where everybody may read', () => {
    before(async function () {
      const opened = await DashboardHouse.open(this, { ON_PREMISE_ANONYMOUS: 'read' });
      if (opened) house = opened;
    });
    after(() => house?.close());

    it('only when something is to be changed, and then does it', async () => {
      const device = await house.api.send<{ id: string }>('POST', '/device/v1/devices', {
        name: 'kettle',
        isVirtual: true,
      });
      const { page } = await house.visit(`/devices/${device.id}`);
      await page.getByRole('heading', { name: 'kettle' }).waitFor();
      await page.getByTestId('edit-open').click();
      const dialog = page.getByTestId('edit');
      await dialog.getByLabel('Name').fill('Samovar');
      await dialog.getByLabel('Room').fill('Kitchen');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await page.getByTestId('log-in').waitFor();
      assert.equal(await page.evaluate('document.activeElement.name'), 'clientId', 'one may type at once');
      await logIn(page, await house.newClient());
      // what was begun goes on by itself
      await page.getByRole('heading', { name: 'Samovar' }).waitFor();
      const changed = await house.api.get<{ name: string; room?: string }>(`/device/v1/devices/${device.id}`);
      assert.deepEqual([changed.name, changed.room], ['Samovar', 'Kitchen']);
    });

    it('and goes on where a connection dies under the log-in, or the gateway is asked too often', async () => {
      const device = await house.api.send<{ id: string }>('POST', '/device/v1/devices', {
        name: 'lamp',
        isVirtual: true,
      });
      const { page } = await house.visit(`/devices/${device.id}`);
      await page.getByTestId('edit-open').click();
      const dialog = page.getByTestId('edit');
      await dialog.getByLabel('Name').fill('Lantern');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await page.getByTestId('log-in').waitFor();
      let tokens = 0;
      await page.route('**/oauth/token', (route) => {
        tokens += 1;
        return tokens === 1 ? route.abort('connectionreset') : route.continue();
      });
      let refused = 0;
      await page.route('**/health/ready', (route) => {
        refused += 1;
        const json = { code: 'tooManyRequests', message: 'too many requests: slow down' };
        return route.fulfill({ status: 429, json });
      });
      await logIn(page, await house.newClient());
      await page.getByRole('heading', { name: 'Lantern' }).waitFor();
      await until('what one may see was asked for', () => refused > 0);
      assert.equal(tokens, 2);
      assert.equal(await page.getByRole('navigation').count(), 1, 'the page is not taken away');
      await page.unrouteAll({ behavior: 'wait' });
      await page.getByTestId('log-out').click();
      await page.getByTestId('ask-log-in').waitFor();
    });

    it('and says which scope is missing to who may not', async () => {
      const device = await house.api.send<{ id: string }>('POST', '/device/v1/devices', {
        name: 'fan',
        isVirtual: true,
      });
      const { page } = await house.visit(`/devices/${device.id}`);
      await page.getByTestId('ask-log-in').click();
      await logIn(page, await house.newClient(['read']));
      await page.getByTestId('remove-open').click();
      await page.getByTestId('remove-confirm').click();
      await page.getByTestId('error').getByText('this needs a token of scope "admin"').waitFor();
      await house.api.get(`/device/v1/devices/${device.id}`);
    });

    it('again when its client is removed, and shows meanwhile what everybody may see', async () => {
      const client = await house.newClient();
      const { page } = await house.visit('/');
      await page.getByTestId('ask-log-in').click();
      await logIn(page, client);
      await page.getByTestId('log-out').waitFor();
      await page.locator('[data-testid=connection][data-state=connected]').waitFor({ state: 'attached' });
      await house.api.send('DELETE', `/authentication/v1/clients/${client.clientId}`);
      await page.getByTestId('expired').waitFor();
      await page.keyboard.press('Escape');
      await page.locator('[data-testid=connection][data-state=connected]').waitFor({ state: 'attached' });
      await page.getByTestId('ask-log-in').waitFor();
      const { id } = await house.api.send<{ id: string }>('POST', '/device/v1/devices', {
        name: 'Newcomer',
        isVirtual: true,
        demoActive: true,
      });
      // it is told of by its first reading
      await page.locator(`[data-device="${id}"]`).waitFor();
    });

    it('in Italian, where somebody chooses that, and keeps to it', async () => {
      const { page } = await house.visit('/');
      await page.getByLabel('Language').selectOption('it');
      await page.getByRole('heading', { name: 'Riepilogo' }).waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'Riepilogo' }).waitFor();
      assert.equal(await page.evaluate('document.documentElement.lang'), 'it');
      const italian = await house.visit('/', { locale: 'it-IT' });
      await italian.page.getByRole('heading', { name: 'Riepilogo' }).waitFor();
    });

    it('and complains of nothing meanwhile', () => house.assertNoComplaints());
  });
});
