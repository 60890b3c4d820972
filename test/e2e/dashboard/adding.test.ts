/** A protocol is installed and devices are added in a browser, on a simulated radio: what works, and what does not. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { ContactSensor } from '../../simulators/zigbee/devices/contact-sensor.ts';
import { TemperatureSensor } from '../../simulators/zigbee/devices/temperature-sensor.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { PHONE } from '../../support/browser.ts';
import { until } from '../../support/until.ts';
import { assertAccessible, assertFits, assertTargets, DashboardHouse, logIn } from './dashboard-house.ts';

const STEP_MS = 20_000;

describe('adding in the dashboard', function () {
  this.timeout(120_000);
  let house: DashboardHouse;
  let radio: SimulatedRadio;
  let page: Page;

  before(async function () {
    const opened = await DashboardHouse.open(this, { ON_PREMISE_ANONYMOUS: 'read' });
    if (opened) house = opened;
    radio = await SimulatedRadio.start();
    house.radio = radio;
    ({ page } = await house.visit('/protocols'));
    page.setDefaultTimeout(STEP_MS);
  });
  after(async () => {
    await house?.close();
  });

  const go = (path: string) => page.evaluate(`location.hash = '${path}'`);
  const isState = (state: string) =>
    page.locator(`[data-testid=pairing][data-state=${state}]`).waitFor({ timeout: 60_000 });
  async function choose(words: string, option: string | RegExp): Promise<void> {
    // from elsewhere: a form that is open stays
    await go('/protocols');
    await page.getByTestId('protocol-http').waitFor();
    await go('/add');
    await page.getByTestId('type-search').fill(words);
    await page.getByTestId('type-option').filter({ hasText: option }).first().click();
  }
  const isLooking = () => until('joining is open', () => radio.coordinator.permitsJoining);

  it('installs a protocol with its parameters, tells how it goes, and shows its last lines', async () => {
    await page.getByTestId('protocol-zigbee').getByRole('link', { name: 'Zigbee', exact: true }).click();
    const form = page.getByTestId('install-form');
    await form.waitFor();
    // no stick is plugged in here: a place is typed
    await form.getByRole('textbox', { name: 'Port' }).fill('nonsense');
    await form.getByText('further settings').click();
    await form.getByLabel('Interview seconds').fill('5');
    await form.getByTestId('install').click();
    await logIn(page, await house.newClient());
    // the gateway says what is wrong, at the field
    await form
      .getByText(/must match pattern/)
      .first()
      .waitFor();
    await assertAccessible(page, 'a form made of a schema');
    await form.getByRole('textbox', { name: 'Port' }).fill(radio.url);
    await form.getByTestId('install').click();
    await page.getByTestId('installation-progress').waitFor();
    await page.locator('[data-testid=protocol][data-status=installed]').waitFor({ timeout: 60_000 });
    await page.getByTestId('protocol-state').getByText('Running').waitFor();
    await page
      .getByTestId('last-lines')
      .getByText(/coordinator/i)
      .first()
      .waitFor();
    const installed = await house.api.get<{ status: string }>('/device/v1/protocols/zigbee');
    assert.equal(installed.status, 'installed');
    await assertAccessible(page, 'a protocol');
  });

  it('finds a model among thousands as one types, by keyboard alone', async () => {
    await go('/add');
    const search = page.getByTestId('type-search');
    await search.fill('innr rb 285');
    const options = page.getByTestId('type-option');
    await options.filter({ hasText: 'RB 285 C' }).first().waitFor();
    assert.ok((await options.count()) < 20);
    await search.fill('sensor');
    assert.equal(await options.count(), 50);
    await page.getByText(/\d,?\d* models found/).waitFor();
    await assertAccessible(page, 'a list of models');
    await search.fill('innr rb 285 c');
    await options.first().waitFor();
    await search.press('ArrowDown');
    assert.equal(await options.first().getAttribute('aria-selected'), 'true');
    await search.press('Enter');
    await page.getByTestId('device-form').getByText('RB 285 C').first().waitFor();
  });

  it('pairs a bulb step by step with a countdown, which a reload does not lose', async () => {
    const bulb = radio.add(new ColourBulb());
    await choose('innr rb 285 c', 'RB 285 C');
    await page.getByTestId('name').fill('Lamp');
    await page.getByTestId('create').click();
    await isState('discovering');
    await page.locator('[data-testid=step-looking][data-state=now]').waitFor();
    const seconds = async () =>
      Number.parseInt((await page.getByTestId('countdown').textContent()) ?? '', 10);
    const begun = await seconds();
    assert.ok(begun > 60 && begun <= 90, `${begun} s`);
    await until('it counts down', async () => (await seconds()) < begun);
    await assertAccessible(page, 'a pairing');
    const before = page.url();
    await page.reload();
    await isState('discovering');
    assert.equal(page.url(), before);
    await isLooking();
    bulb.seek();
    await isState('paired');
    assert.equal(await page.locator('[data-state=done]').count(), 5);
    await page.getByTestId('open-device').click();
    await page.getByRole('heading', { name: 'Lamp' }).waitFor();
    const devices =
      await house.api.get<{ name: string; status: { eventType: string } }[]>('/device/v1/devices');
    assert.equal(devices.find(({ name }) => name === 'Lamp')?.status.eventType, 'paired');
  });

  it('says why a pairing failed and what to do next; the device is forgotten where that is wanted', async () => {
    await go('/add');
    // a log-in lives as long as the page
    await page.reload();
    await page.getByTestId('ask-log-in').first().click();
    await logIn(page, await house.newClient());
    const sensor = radio.add(new TemperatureSensor());
    sensor.faults.set('basicRead', 'mute');
    await choose('SNZB-02', 'SNZB-02');
    await page.getByTestId('name').fill('Thermometer');
    await page.getByTestId('create').click();
    await isState('discovering');
    await isLooking();
    sensor.seek();
    await page.locator('[data-testid=step-interviewing][data-state=now]').waitFor({ timeout: 30_000 });
    await isState('not_paired');
    await page
      .getByTestId('reason')
      .getByText(/basic cluster/)
      .waitFor();
    await page
      .getByTestId('next-step')
      .getByText(/keep it awake/)
      .waitFor();
    await assertAccessible(page, 'a pairing that failed');
    await page.getByRole('button', { name: 'Forget it' }).click();
    await page.getByTestId('type-search').waitFor();
    const devices = await house.api.get<{ name: string }[]>('/device/v1/devices');
    assert.equal(
      devices.some(({ name }) => name === 'Thermometer'),
      false,
    );
  });

  it('tries again without a reset, right after a device was silent', async () => {
    const sensor = radio.add(new TemperatureSensor());
    sensor.faults.set('basicRead', 'mute');
    await choose('sonoff snzb-02', /SONOFF SNZB-02\s*Temperature/);
    await page.getByTestId('name').fill('Thermometer');
    await page.getByTestId('create').click();
    await isState('discovering');
    await isLooking();
    sensor.seek();
    await isState('not_paired');
    sensor.faults.mend();
    await page.getByTestId('pair-again').click();
    await isState('paired');
  });

  it('offers what joined in place of another model, and takes it', async () => {
    const bulb = radio.add(new ColourBulb());
    await choose('SNZB-02', 'SNZB-02');
    await page.getByTestId('name').fill('Wrong one');
    await page.getByTestId('create').click();
    await isState('discovering');
    await isLooking();
    bulb.seek();
    await isState('not_paired');
    await page
      .getByTestId('reason')
      .getByText(/what joined is a .*, not the/)
      .waitFor();
    const offered = page.getByTestId('offered').filter({ hasText: 'RB 285 C' });
    await offered.waitFor({ timeout: 30_000 });
    await offered.getByRole('button').click();
    await page.getByTestId('device-form').getByText('RB 285 C').first().waitFor();
    await page.getByTestId('name').fill('Second lamp');
    await page.getByTestId('create').click();
    await isState('paired');
    const names = (await house.api.get<{ name: string }[]>('/device/v1/devices')).map(({ name }) => name);
    assert.ok(names.includes('Second lamp') && !names.includes('Wrong one'), names.join());
  });

  it('can be cancelled, and tried again', async () => {
    const sensor = radio.add(new ContactSensor());
    await choose('SNZB-04', 'SNZB-04');
    await page.getByTestId('name').fill('Door');
    await page.getByTestId('create').click();
    await isState('discovering');
    await page.getByTestId('cancel').click();
    await isState('not_paired');
    await page
      .getByTestId('reason')
      .getByText(/cancelled/)
      .waitFor();
    await page.getByTestId('pair-again').click();
    await isState('discovering');
    await isLooking();
    sensor.seek();
    await isState('paired');
  });

  it('makes a virtual device, and shows the gateway’s words where a field is wrong', async () => {
    await choose('generic http-device', 'HTTP-DEVICE');
    await page.getByTestId('name').fill('Web');
    await page
      .getByLabel(/hostname/i)
      .first()
      .fill('no host at all');
    await page.getByTestId('create').click();
    await page
      .getByTestId('device-form')
      .getByText(/must|match/)
      .first()
      .waitFor();
    await page.getByRole('checkbox', { name: /Virtual/ }).check();
    await page.getByTestId('create').click();
    await isState('paired').catch(() => isState('created'));
  });

  it('works on a phone, in the dark and in Italian', async () => {
    const { page: phone } = await house.visit('/add', { ...PHONE, colorScheme: 'dark', locale: 'it-IT' });
    await phone.getByTestId('type-search').fill('ikea');
    await phone.getByTestId('type-option').first().waitFor();
    await phone.getByText(/modelli trovati/).waitFor();
    for (const path of ['/add', '/protocols', '/protocols/zigbee']) {
      await phone.evaluate(`location.hash = '${path}'`);
      await phone.getByRole('heading', { level: 1 }).waitFor();
      await assertAccessible(phone, `${path} on a phone`);
      await assertFits(phone, path);
      await assertTargets(phone, path);
    }
  });
});
