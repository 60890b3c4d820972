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
/** Others have made models whose names begin with this one's. */
const THERMOMETER = ['sonoff snzb-02', /SONOFF SNZB-02\s*Temperature/] as const;

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
    await choose(...THERMOMETER);
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
    await choose(...THERMOMETER);
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
    await choose(...THERMOMETER);
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

  it('makes rows of what a type wants several of, and says at the field of which row something is wrong', async () => {
    await choose('generic http-device', 'HTTP-DEVICE');
    await page.getByTestId('name').fill('Meter');
    await page
      .getByLabel(/hostname/i)
      .first()
      .fill('127.0.0.1');
    await page.getByText('further settings').click();
    const rows = page.getByTestId('rows-attributes');
    const row = rows.getByTestId('row');
    for (const [index, [name, path]] of (
      [
        ['first', 'meters.0.power'],
        ['has.dots', 'meters.1.power'],
        ['third', 'meters.2.power'],
      ] as const
    ).entries()) {
      await rows.getByTestId('add-row').click();
      // one goes on typing
      await until('the new row has the focus', () =>
        row.nth(index).evaluate((element) => element.matches(':focus-within')),
      );
      await row.nth(index).getByLabel('Name').fill(name);
      await row.nth(index).getByLabel('Path').fill(path);
    }
    await assertAccessible(page, 'a form with rows');
    await page.getByTestId('create').click();
    await row
      .nth(1)
      .getByText(/must match pattern/)
      .waitFor();
    assert.equal(await rows.getByText(/must match pattern/).count(), 1);
    assert.equal(await row.nth(1).getByLabel('Name').getAttribute('aria-invalid'), 'true');
    await row.nth(0).getByTestId('remove-row').click();
    assert.equal(await rows.getByText(/must match pattern/).count(), 0, 'the rows are others now');
    await row.nth(0).getByLabel('Name').fill('second');
    await row.nth(0).getByLabel('Unit').fill('W');
    await page.getByTestId('create').click();
    await page.getByTestId('pairing').waitFor();
    const devices =
      await house.api.get<{ name: string; parameters: { attributes?: unknown } }[]>('/device/v1/devices');
    assert.deepEqual(devices.find(({ name }) => name === 'Meter')?.parameters.attributes, [
      { name: 'second', path: 'meters.1.power', unit: 'W' },
      { name: 'third', path: 'meters.2.power' },
    ]);
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
