/** A device on a KNX bus, made in a browser: its datapoints are rows of a form, and what the bus says is shown. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { Knxd } from '../../support/knxd.ts';
import { until } from '../../support/until.ts';
import { assertAccessible, DashboardHouse } from './dashboard-house.ts';

const STEP_MS = 20_000;

describe('KNX in the dashboard', function () {
  this.timeout(120_000);
  let house: DashboardHouse;
  let knxd: Knxd;
  let page: Page;

  before(async function () {
    const reason = reasonToSkip('knxd');
    if (reason !== undefined) {
      if (this.test) this.test.title += ` (${reason})`;
      this.skip();
    }
    knxd = await Knxd.start();
    const opened = await DashboardHouse.open(this, { ON_PREMISE_ANONYMOUS: 'all' });
    if (opened) house = opened;
    await house.api.send('POST', '/device/v1/protocols/knx/installation', {
      parameters: { ip_address: '127.0.0.1', port: knxd.port },
    });
    await until('KNX works', async () => {
      const { state } = await house.api.get<{ state?: string }>('/device/v1/protocols/knx');
      return state === 'running';
    });
    ({ page } = await house.visit('/add'));
    page.setDefaultTimeout(STEP_MS);
  });
  after(async () => {
    await house?.close();
    await knxd?.stop();
    house?.assertNoComplaints();
  });

  it('takes datapoints row by row, pairs the device, and shows what the bus says', async () => {
    await page.getByTestId('type-search').fill('knx-device');
    await page.getByTestId('type-option').first().click();
    await page.getByTestId('name').fill('Living room');
    const rows = page.getByTestId('rows-datapoints');
    const row = rows.getByTestId('row');
    assert.equal(await row.count(), 0);
    for (const [index, [name, address, type]] of (
      [
        ['light', '1/0/1', '1.001'],
        ['nothing', '1/0/2', '1.001'],
        ['temperature', '1/0/3', '9.001'],
      ] as const
    ).entries()) {
      await rows.getByTestId('add-row').click();
      await row.nth(index).getByLabel('Name').fill(name);
      await row.nth(index).getByLabel('1/2/3, as ETS shows it').fill(address);
      await row.nth(index).getByLabel('Datapoint type').fill(type);
    }
    await row.nth(2).getByRole('checkbox', { name: 'listen' }).check();
    await row.nth(2).getByRole('checkbox', { name: 'read' }).check();
    await rows.getByRole('button', { name: 'Remove: Datapoints 2' }).click();
    assert.equal(await row.count(), 2);
    await assertAccessible(page, 'datapoints as rows');
    await page.getByTestId('create').click();
    await page.locator('[data-testid=pairing][data-state=paired]').waitFor();
    const devices =
      await house.api.get<{ name: string; parameters: Record<string, unknown> }[]>('/device/v1/devices');
    assert.deepEqual(devices.find(({ name }) => name === 'Living room')?.parameters, {
      datapoints: [
        { name: 'light', group_address: '1/0/1', dpt: '1.001' },
        { name: 'temperature', group_address: '1/0/3', dpt: '9.001', flags: ['read', 'listen'] },
      ],
    });
    await page.getByTestId('open-device').click();
    await page.getByRole('heading', { name: 'Living room' }).waitFor();
    await until('the bus is heard', async () => {
      await knxd.write('1/0/3', '0c33');
      return (await page.locator('[data-testid=values] [data-attribute=temperature]').count()) > 0;
    });
    await page.locator('[data-testid=values] [data-attribute=temperature]').getByText('21.5').waitFor();
  });
});
