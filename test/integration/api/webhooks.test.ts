import assert from 'node:assert/strict';
import { ApiUnderTest, HTTP_TYPE } from './support/api-under-test.ts';

describe('webhooks', () => {
  let gate: ApiUnderTest;
  let id: string;
  let hook: string;

  beforeEach(async () => {
    gate = await ApiUnderTest.start();
    const parameters = { hostname: '10.0.0.7' };
    ({ id } = await gate.devices.create({ name: 'plug', type: HTTP_TYPE, parameters }));
    hook = await webhook();
  });
  afterEach(() => gate.stop());

  const webhook = async () =>
    String((await gate.callLocally<{ webhook: string }>(`/device/v1/devices/${id}`)).body.webhook);
  const readings = async () => {
    const { data } = gate.readings.page({
      deviceId: id,
      page: 1,
      perPage: 100,
      sortKey: 'ts',
      descending: false,
    });
    return data.map((reading) => (reading.data['message'] as { data: unknown }).data);
  };

  it('take what a device reports in a query, in JSON and in a form, and answer when it is stored', async () => {
    const get = await gate.call(`${hook}?temp=21.5&open=true&name=007&axis=1&axis=2`);
    assert.deepEqual([get.status, get.body], [200, {}]);
    assert.equal(
      (await gate.call(`${hook}?a=1`, { method: 'POST', body: { power: '5', b: [1] } })).status,
      200,
    );
    const form = await fetch(`${gate.url}${hook}`, {
      method: 'POST',
      body: new URLSearchParams({ hum: '48', text: 'x' }),
    });
    assert.equal(form.status, 200);
    assert.equal((await gate.call(hook)).status, 200);
    assert.deepEqual(await readings(), [
      { temp: 21.5, open: true, name: '007', axis: [1, 2] },
      { a: 1, power: '5', b: [1] },
      { hum: 48, text: 'x' },
      {},
    ]);
    const { body } = await gate.call<string>('/metrics');
    assert.match(body, /gate_webhook_calls_total\{result="stored"\} 4/);
  });

  it('are 404 for a wrong token, and counted', async () => {
    const { id: virtual } = await gate.devices.create({ name: 'other', isVirtual: true });
    const mac = hook.split('.')[1];
    for (const wrong of [
      `/hooks/${id}`,
      `/hooks/${id}.`,
      `/hooks/${virtual}.${mac}`,
      hook.slice(0, -1),
      '/hooks/x',
    ]) {
      assert.equal((await gate.call(wrong)).status, 404, wrong);
    }
    assert.equal((await gate.call(wrongEnd(hook))).status, 404);
    assert.deepEqual(await readings(), []);
    assert.match(
      (await gate.call<string>('/metrics')).body,
      /gate_webhook_calls_total\{result="wrongToken"\} 6/,
    );
  });

  it('refuse what is no reading', async () => {
    const post = (text: string) =>
      fetch(`${gate.url}${hook}`, {
        method: 'POST',
        body: text,
        headers: { 'content-type': 'application/json' },
      });
    assert.equal((await post('[1]')).status, 400);
    assert.equal((await post('{"a":')).status, 400);
    assert.equal((await post('{"__proto__":{"a":1}}')).status, 400);
    assert.equal((await gate.call(`${hook}?__proto__=1`)).status, 400);
    assert.equal((await post(`{"a":${'['.repeat(40)}${']'.repeat(40)}}`)).status, 400);
    assert.equal((await post(`{"a":"${'x'.repeat(200_000)}"}`)).status, 413);
    assert.deepEqual(await readings(), []);
  });

  it('change nothing at HEAD', async () => {
    await fetch(`${gate.url}${hook}`, { method: 'HEAD' });
    assert.deepEqual(await readings(), []);
  });

  it('are shown to administrators alone, and of HTTP devices alone', async () => {
    const { id: virtual } = await gate.devices.create({ name: 'other', isVirtual: true });
    assert.equal('webhook' in (await gate.callLocally(`/device/v1/devices/${virtual}`)).body, false);
    const closed = await ApiUnderTest.start({ anonymous: 'read' });
    try {
      const { id: other } = await closed.devices.create({
        name: 'p',
        type: HTTP_TYPE,
        parameters: { hostname: 'a' },
      });
      const texts = [
        `/device/v1/devices/${other}`,
        '/device/v1/devices',
        `/device/v1/devices/${closed.devices.gatewayId}`,
      ];
      for (const path of texts) {
        assert.doesNotMatch(JSON.stringify((await closed.call(path)).body), /hooks/, path);
        assert.match(JSON.stringify((await closed.callLocally(path)).body), /\/hooks\//, path);
      }
    } finally {
      await closed.stop();
    }
  });

  it('are renewed: the token before is void', async () => {
    const renewed = await gate.call<{ webhook: string }>(`/device/v1/devices/${id}/webhook`, {
      method: 'POST',
    });
    assert.equal(renewed.status, 201);
    assert.equal(renewed.body.webhook, await webhook());
    assert.equal((await gate.call(hook)).status, 404);
    assert.equal((await gate.call(renewed.body.webhook)).status, 200);
  });
});

function wrongEnd(hook: string): string {
  return `${hook.slice(0, -2)}${hook.endsWith('AA') ? 'BB' : 'AA'}`;
}
