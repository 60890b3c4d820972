/** A command that is repeated under its Idempotency-Key, with the daemon killed in between: the plug is switched once. */
import assert from 'node:assert/strict';
import { until } from '../support/until.ts';
import { House } from './reference/support/house.ts';

describe('a command that is repeated after the daemon was killed', () => {
  let house: House;
  let plugId: string;
  beforeEach(async () => {
    house = await House.open();
    plugId = await house.addPlug(86_400);
  });
  afterEach(() => house?.close());

  function toggle(key: string): Promise<Response> {
    return fetch(`${house.daemon.url}/device/v1/control/${plugId}/set?turn=toggle`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${house.token}`,
        'Idempotency-Key': key,
        'instathings-path': '/relay/0',
        'instathings-method': 'GET',
      },
    });
  }

  it('is not done twice when it was done', async () => {
    assert.equal((await toggle('k1')).status, 200);
    assert.equal(house.plug.on, true);
    await house.killAndRestart();
    assert.equal((await toggle('k1')).status, 200);
    assert.equal(house.plug.on, true);
    assert.equal((await toggle('k2')).status, 200);
    assert.equal(house.plug.on, false);
  });

  it('is not sent again when it was under way, and says that it may have been done', async () => {
    house.plug.fault = 'hanging';
    const before = house.plug.requests;
    const cut = toggle('k1').catch(() => undefined);
    await until('the plug has been asked', () => house.plug.requests > before);
    await house.killAndRestart();
    await cut;
    house.plug.fault = 'none';
    const again = await toggle('k1');
    const { code, message } = (await again.json()) as { code: string; message: string };
    assert.deepEqual([again.status, code], [503, 'deviceTimeout']);
    assert.match(message, /restarted.*may have been done/);
    assert.equal(house.plug.on, false);
  });
});
