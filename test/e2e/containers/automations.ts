/** Automations: Node-RED, in an image like its own, whose flows reach the gateway's API and live on in their volume. */
import assert from 'node:assert/strict';
import { freePort } from '../../../scripts/peers/free-port.ts';
import { reasonToSkipNpm } from '../../../scripts/peers/npm-peers.ts';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { until } from '../../support/until.ts';
import { ContainerHouse } from './container-house.ts';

const KEPT = 'gate-test/node-red:kept';

export function describeAutomations(engine: () => ContainerEngine): void {
  describe('automations', function () {
    this.timeout(180_000);
    let house: ContainerHouse;
    let image: string;
    let port: number;

    before(async function () {
      const reason = reasonToSkipNpm('node-red');
      if (reason !== undefined) {
        console.log(`      ${reason}`);
        this.skip();
      }
      image = await engine().buildNodeRed();
      port = await freePort();
      house = await ContainerHouse.open(engine(), { BIND: '0.0.0.0', PORT: String(await freePort()) });
      await house.start();
    });
    after(() => house?.close());

    const page = (path: string, options: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, options);
    const installed = async () => {
      const { installationSuccess } = await house.outcome('POST', 'automations', {
        parameters: { port },
        image,
      });
      assert.equal(installationSuccess, true, (await house.protocol('automations')).reason);
    };

    it('is Node-RED on the port that its parameter names, healthy as its image has it', async () => {
      await installed();
      const { state } = await house.runs('automations');
      assert.equal(state, 'running');
      assert.match(await (await page('/')).text(), /<title>Node-RED<\/title>/);
      const [container] = await house.containers('automations');
      const format = '{{.State.Health.Status}}';
      await until(
        'the health check of its image has passed',
        async () => (await engine().docker('inspect', '--format', format, container?.id ?? '')) === 'healthy',
        90_000,
      );
    });

    it('runs flows that call the API of the gateway', async () => {
      const { port: apiPort } = new URL(house.daemon.url);
      const api = `http://${await house.gateway()}:${apiPort}/device/v1/protocols/virtual`;
      const answer = await page('/flows', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(flowThatAsks(api)),
      });
      assert.equal(answer.status, 204, await answer.text());
      const protocol = await until('the flow answers', async () => {
        const told = await page('/asked');
        return told.ok && ((await told.json()) as { slug: string; status: string });
      });
      assert.deepEqual([protocol.slug, protocol.status], ['virtual', 'installed']);
    });

    it('has its flows again when it is installed again, and none when its data were removed', async () => {
      // its layers stay here meanwhile: what is large need not come three times
      await engine().docker('tag', image, KEPT);
      await house.removed('automations');
      await installed();
      await until('the flow is back', async () => (await page('/there')).ok);
      await house.removed('automations', '?data=true');
      await installed();
      assert.equal((await page('/there')).status, 404);
      await house.removed('automations', '?data=true');
      await engine().docker('rmi', KEPT);
    });
  });
}

/** GET /asked answers what the API says, GET /there by itself. */
function flowThatAsks(url: string): object[] {
  const place = { z: 'tab', x: 100, y: 100 };
  return [
    { id: 'tab', type: 'tab', label: 'test' },
    { id: 'in', type: 'http in', url: '/asked', method: 'get', wires: [['ask']], ...place },
    { id: 'ask', type: 'http request', method: 'GET', ret: 'obj', url, wires: [['out']], ...place },
    { id: 'there', type: 'http in', url: '/there', method: 'get', wires: [['out']], ...place },
    { id: 'out', type: 'http response', wires: [], ...place },
  ];
}
