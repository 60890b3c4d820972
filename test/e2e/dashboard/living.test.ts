/** A living house in a browser: readings change, a lamp is switched and dimmed, its past is drawn, the connection goes. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { PHONE } from '../../support/browser.ts';
import { until } from '../../support/until.ts';
import {
  assertAccessible,
  assertFits,
  assertTargets,
  DashboardHouse,
  logIn,
  TYPES,
} from './dashboard-house.ts';

/** What is triggered where a lamp is told to blink (ZCL, 3.5.2.3.3). */
const BLINK = 0;

describe('the dashboard of a living house', () => {
  let house: DashboardHouse;
  let bulb: ColourBulb;
  let sensor: TemperatureSensor;
  let lamp: string;
  let thermometer: string;

  before(async function () {
    const opened = await DashboardHouse.open(this, { ON_PREMISE_ANONYMOUS: 'read' });
    if (opened) house = opened;
    const radio = await house.withZigbee();
    bulb = radio.add(new ColourBulb());
    sensor = radio.add(new TemperatureSensor());
    lamp = (await house.paired('Lamp', TYPES.bulb, bulb)).id;
    thermometer = (await house.paired('Thermometer', TYPES.thermometer, sensor)).id;
    await house.api.send('PATCH', `/device/v1/devices/${lamp}`, { room: 'Hall' });
    sensor.report({ temperature: 20.5, humidity: 41 });
    await until('it has been heard of', async () => {
      const { totalItems } = await house.api.get<{ totalItems: number }>(
        `/device/v1/devices/${thermometer}/data`,
      );
      return totalItems > 0;
    });
  });
  after(() => house?.close());

  const card = (page: Page, id: string) => page.locator(`[data-device="${id}"]`);
  const value = (page: Page, name: string) => page.locator(`[data-testid=values] [data-attribute="${name}"]`);

  it('shows each device in its room with what it said last, and a reading that changes as it does', async () => {
    const { page } = await house.visit('/');
    const shown = card(page, thermometer).locator('[data-attribute="temperature"]');
    await shown.getByText('20.5').waitFor();
    await page.getByRole('region', { name: 'Hall' }).getByRole('link', { name: 'Lamp' }).waitFor();
    sensor.report({ temperature: 27.3 });
    await shown.getByText('27.3').waitFor();
    assert.match((await shown.textContent()) ?? '', /°C/);
  });

  it('finds a device among others', async () => {
    const { page } = await house.visit('/');
    await card(page, lamp).waitFor();
    await page.getByTestId('search').fill('thermo');
    await card(page, lamp).waitFor({ state: 'detached' });
    assert.equal(await page.getByTestId('device').count(), 1);
    await page.getByTestId('search').fill('no such thing');
    await page.getByRole('button', { name: 'Show all' }).click();
    await card(page, lamp).waitFor();
  });

  it('says that all is well, that there is no cloud, and what is wrong once something is', async () => {
    const { page } = await house.visit('/');
    const health = page.getByTestId('health');
    await health.getByText('All is well').waitFor();
    await page.getByTestId('cloud').getByText('without a cloud').waitFor();
    await house.radio?.unplug();
    await health.getByText('One part needs looking after').waitFor({ timeout: 30_000 });
    await health.getByRole('link', { name: 'Open zigbee' }).waitFor();
    // the reason is another one once it has been tried again
    await until('the page says why, as the gateway does', async () => {
      const { parts } = await house.api.get<{ parts: Record<string, { reason?: string }> }>('/health/ready');
      const { reason } = parts['addon:zigbee'] ?? {};
      return reason !== undefined && (await health.textContent())?.includes(reason);
    });
    await house.radio?.replug();
    await health.getByText('All is well').waitFor({ timeout: 60_000 });
  }).timeout(120_000);

  it('switches, dims and colours a lamp, after it has asked who is there', async () => {
    const { page } = await house.visit(`/devices/${lamp}`);
    const power = page.getByRole('switch', { name: 'State' });
    await power.waitFor();
    const was = bulb.state.on;
    await power.click();
    await logIn(page, await house.newClient(['control']));
    await until('the lamp is switched', () => bulb.state.on !== was);
    await page.getByTestId('command-done').getByText('Done at').waitFor();
    await page.getByTestId('slider-brightness').fill('127');
    await until('the lamp is dimmed', () => bulb.state.level === 127);
    const colour = bulb.state.colour;
    await page.getByTestId('colour-color').fill('#ff0000');
    await until('the lamp is red', () => JSON.stringify(bulb.state.colour) !== JSON.stringify(colour));
    await page.getByTestId('slider-color_temp').fill('555');
    await until('the lamp is as warm as this model can be', () => bulb.state.colour.mireds === 555);
    await page.getByTestId('choice-effect').selectOption({ label: 'Blink' });
    await until('the lamp blinks', () => bulb.effect === BLINK);
    // how it behaves stands apart
    await page.getByText('Settings (2)').click();
    await page.getByTestId('choice-power_on_behavior').selectOption({ label: 'On' });
    await until('the lamp keeps its setting', () => bulb.powerOnBehaviour === 1);
    // what it says of itself afterwards is what is shown
    await value(page, 'brightness').getByText('127').waitFor();
  });

  it('takes any values by their names, and shows what the device answers and refuses', async () => {
    const { page } = await house.visit(`/devices/${lamp}`);
    await page.getByTestId('ask-log-in').click();
    await logIn(page, await house.newClient(['control']));
    await page.getByText('Other values').click();
    await page.getByTestId('raw').fill('{"brightness": 9000}');
    await page.getByTestId('raw-set').click();
    await page
      .getByTestId('error')
      .getByText(/"brightness" must be from/)
      .waitFor();
    await page.getByTestId('raw').fill('nonsense');
    await page.getByTestId('raw-set').click();
    await page.getByText('This is no JSON object').waitFor();
    await page.getByTestId('raw').fill('{"state": ""}');
    await page.getByTestId('raw-ask').click();
    await page.getByTestId('raw-answer').getByText('"state"').waitFor();
  });

  it('draws what was measured, for an hour, a day, a week and a month, and what comes', async () => {
    const { page } = await house.visit(`/devices/${thermometer}`);
    const chart = page.getByTestId('chart');
    await chart.locator('canvas').waitFor();
    const points = async () => Number(await chart.getAttribute('data-points'));
    await until('there are points', async () => (await points()) > 0);
    sensor.report({ temperature: 19.37 });
    await chart.getByText('19.37 °C').waitFor();
    for (const span of ['day', 'week', 'month'] as const) {
      const asked = page.waitForResponse((answer) => answer.url().includes('/history?') && answer.ok());
      await page.getByTestId(`span-${span}`).click();
      const { searchParams } = new URL((await asked).url());
      assert.equal(searchParams.get('interval'), { day: '10m', week: '1h', month: '4h' }[span]);
      await until('it is drawn', async () => (await points()) > 0);
    }
    await page.getByTestId('draw-humidity').click();
    await chart.getByText('As a table').click();
    await chart.getByRole('columnheader', { name: 'Humidity, %' }).waitFor();
    assert.match((await chart.locator('tbody').textContent()) ?? '', /41/);
  });

  it('tells at once that the connection is lost, comes back by itself, and has what was missed', async () => {
    const { page, context } = await house.visit('/');
    const banner = page.getByTestId('connection');
    await card(page, lamp).waitFor();
    let loaded = 0;
    page.on('load', () => {
      loaded += 1;
    });
    await house.goAway();
    await banner.getByText('No connection to the gateway').waitFor();
    // what happens while the page cannot look
    await context.setOffline(true);
    await house.comeBack();
    await house.api.send('PATCH', `/device/v1/devices/${lamp}`, { name: 'Chandelier' });
    await context.setOffline(false);
    await banner.getByText('Connected again').waitFor({ timeout: 30_000 });
    await card(page, lamp).getByRole('link', { name: 'Chandelier' }).waitFor();
    assert.equal(loaded, 0, 'the page was loaded anew');
    await house.api.send('PATCH', `/device/v1/devices/${lamp}`, { name: 'Lamp' });
  }).timeout(90_000);

  it('has what happened after it asked and before it was told', async () => {
    const { page } = await house.visit('/');
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    await page.routeWebSocket(/socket\.io/, async (socket) => {
      await opened;
      socket.connectToServer();
    });
    await page.reload();
    await card(page, lamp).getByRole('link', { name: 'Lamp' }).waitFor();
    await house.api.send('PATCH', `/device/v1/devices/${lamp}`, { name: 'Early' });
    open();
    await card(page, lamp).getByRole('link', { name: 'Early' }).waitFor();
    await house.api.send('PATCH', `/device/v1/devices/${lamp}`, { name: 'Lamp' });
    await card(page, lamp).getByRole('link', { name: 'Lamp' }).waitFor();
  });

  it('shows at once what others change: a device that is made, renamed and removed', async () => {
    const { page } = await house.visit('/');
    await page.locator('[data-testid=connection][data-state=connected]').waitFor({ state: 'attached' });
    const { id } = await house.api.send<{ id: string }>('POST', '/device/v1/devices', {
      name: 'Newcomer',
      isVirtual: true,
    });
    await card(page, id).getByRole('link', { name: 'Newcomer' }).waitFor();
    await house.api.send('PATCH', `/device/v1/devices/${id}`, { name: 'Regular', room: 'Hall' });
    const hall = page.getByRole('region', { name: 'Hall' });
    await hall.getByRole('link', { name: 'Regular' }).waitFor();
    await page.goto(`${house.daemon.url}/#/protocols/virtual`);
    await page.locator('[data-testid=protocol][data-status=installed]').waitFor();
    await house.api.send('DELETE', `/device/v1/devices/${id}`);
    await house.api.send('DELETE', '/device/v1/protocols/virtual/installation');
    await page.locator('[data-testid=protocol][data-status=notInstalled]').waitFor();
    await page.goto(`${house.daemon.url}/#/`);
    await card(page, lamp).waitFor();
    await card(page, id).waitFor({ state: 'detached' });
    await house.api.send('POST', '/device/v1/protocols/virtual/installation', {});
    await until('it is there again', async () => {
      const { status } = await house.api.get<{ status: string }>('/device/v1/protocols/virtual');
      return status === 'installed';
    });
  });

  it('is gone through by keyboard alone, from the skip link to the switch', async () => {
    const { page } = await house.visit('/');
    await card(page, lamp).waitFor();
    const focused = () => page.evaluate<string>('document.activeElement?.textContent?.trim() ?? ""');
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
    for (let tries = 0; (await focused()) !== 'Lamp'; tries += 1) {
      assert.ok(tries < 60, 'the card of the lamp is never reached');
      await page.keyboard.press('Tab');
    }
    const outline = await page.evaluate('getComputedStyle(document.activeElement, "::after").outlineStyle');
    assert.equal(outline, 'solid');
    await page.keyboard.press('Enter');
    // the heading of the new page has the focus, and so is read out
    await page.getByRole('heading', { name: 'Lamp', level: 1 }).waitFor();
    await until('the heading has the focus', async () => (await focused()) === 'Lamp');
    await page.getByTestId('ask-log-in').focus();
    await page.keyboard.press('Enter');
    const { clientId, clientSecret } = await house.newClient(['control']);
    const dialog = page.getByTestId('log-in-dialog');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await focused(), 'Log in', 'the focus goes back to where it was');
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Client id').focus();
    await page.keyboard.type(clientId);
    await page.keyboard.press('Tab');
    await page.keyboard.type(clientSecret);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    const was = bulb.state.on;
    await page.getByRole('switch', { name: 'State' }).focus();
    await page.keyboard.press('Space');
    await until('the lamp is switched', () => bulb.state.on !== was);
  });

  it('has its past gone through by keyboard alone: the span, what is drawn, and the table', async () => {
    const { page } = await house.visit(`/devices/${thermometer}`);
    const chart = page.getByTestId('chart');
    await chart.locator('canvas').waitFor();
    const focused = () =>
      page.evaluate<string>(`document.activeElement.dataset.testid ?? document.activeElement.tagName`);
    const goTo = async (what: string) => {
      for (let tries = 0; (await focused()) !== what; tries += 1) {
        assert.ok(tries < 60, `${what} is never reached`);
        await page.keyboard.press('Tab');
      }
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
      assert.equal(outline, 'solid', `one sees that ${what} has the focus`);
    };
    await page.getByRole('heading', { level: 1 }).focus();
    const asked = page.waitForResponse((answer) => answer.url().includes('/history?') && answer.ok());
    await goTo('span-day');
    await page.keyboard.press('Enter');
    assert.equal(new URL((await asked).url()).searchParams.get('interval'), '10m');
    assert.equal(await page.getByTestId('span-day').getAttribute('aria-pressed'), 'true');
    assert.equal(await page.getByTestId('span-hour').getAttribute('aria-pressed'), 'false');
    await goTo('draw-humidity');
    await page.keyboard.press('Space');
    assert.equal(await page.getByTestId('draw-humidity').getAttribute('aria-pressed'), 'true');
    await goTo('chart-as-table');
    await page.keyboard.press('Enter');
    await chart.getByRole('columnheader', { name: 'Temperature, °C' }).waitFor();
    await chart.getByRole('columnheader', { name: 'Humidity, %' }).waitFor();
    // the drawing says nothing to a screen reader: its numbers are in rows that have a head each
    const row = chart.getByRole('row').nth(1);
    assert.notEqual((await row.getByRole('rowheader').textContent())?.trim(), '');
    assert.match((await row.getByRole('cell').allTextContents()).join(' '), /\d/);
    await goTo('chart-table');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await chart.getByRole('table').waitFor({ state: 'hidden' });
  });

  it('generates virtual data when told to, and removes a device when it is meant', async () => {
    const { id } = await house.api.send<{ id: string }>('POST', '/device/v1/devices', {
      name: 'Dream',
      isVirtual: true,
    });
    const { page } = await house.visit(`/devices/${id}`);
    await page.getByTestId('ask-log-in').click();
    await logIn(page, await house.newClient());
    await page.getByTestId('demo-active').click();
    await page.getByText('Readings are generated', { exact: true }).waitFor();
    await page.getByLabel('Seconds between two readings').fill('31');
    await page.getByTestId('virtual').getByRole('button', { name: 'Save' }).click();
    await until('it is so', async () => {
      const now = await house.api.get<{ demoActive: boolean; frequency: number }>(`/device/v1/devices/${id}`);
      return now.demoActive && now.frequency === 31;
    });
    await page.getByTestId('remove-open').click();
    await page.getByTestId('remove').getByRole('button', { name: 'Cancel' }).click();
    await house.api.get(`/device/v1/devices/${id}`);
    await page.getByTestId('remove-open').click();
    await page.getByTestId('remove-confirm').click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.equal((await house.api.call('GET', `/device/v1/devices/${id}`)).status, 404);
    await card(page, id).waitFor({ state: 'detached' });
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [size, options] of Object.entries({
      desk: { viewport: { width: 1280, height: 860 } },
      phone: PHONE,
    })) {
      it(`has nothing that axe finds on a ${size}, ${colorScheme}, fits, and can be touched`, async () => {
        const { page, context } = await house.visit('/', { colorScheme, ...options });
        await card(page, lamp).waitFor();
        await assertAccessible(page, 'overview');
        await assertFits(page, 'overview');
        await assertTargets(page, 'overview');
        await page.goto(`${house.daemon.url}/#/devices/${thermometer}`);
        await page.getByTestId('chart').locator('canvas').waitFor();
        await page.getByText('As a table').click();
        await assertAccessible(page, 'device');
        await assertFits(page, 'device');
        await assertTargets(page, 'device');
        await page.goto(`${house.daemon.url}/#/devices/${lamp}`);
        await page.getByRole('switch', { name: 'State' }).waitFor();
        await page.getByTestId('edit-open').click();
        await assertAccessible(page, 'dialog');
        await assertTargets(page, 'dialog');
        const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
        const [red = 0] = (/\d+/.exec(ground) ?? []).map(Number);
        assert.equal(red < 128, colorScheme === 'dark', ground);
        await context.close();
      }).timeout(60_000);
    }
  }

  it('complains of nothing meanwhile', () => house.assertNoComplaints());
});
