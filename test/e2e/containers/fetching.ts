/** How images come: in pieces that are told, over a registry that goes away meanwhile, and held to their content. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASE_IMAGE, type ContainerEngine } from '../../support/container-engine.ts';
import { TcpRelay } from '../../support/tcp-relay.ts';
import { until } from '../../support/until.ts';
import { ContainerHouse } from './container-house.ts';
import { buildVersion } from './programs.ts';

const LAYERS = 3;
const LAYER_BYTES = 12_000_000;
const BYTES_PER_SECOND = 8_000_000;

export function describeFetching(engine: () => ContainerEngine, program: () => string): void {
  describe('the image of a container', () => {
    let house: ContainerHouse;
    let relay: TcpRelay;
    let large: string;

    before(async () => {
      relay = new TcpRelay(Number(engine().registry.split(':')[1]));
      const port = await relay.start();
      const name = await buildLarge(engine(), program());
      large = name.replace(engine().registry, `127.0.0.1:${port}`);
      house = new ContainerHouse(engine(), {
        ADDON_IMAGES: `127.0.0.1:${port}/gate/*,${engine().registry}/gate/*`,
      });
      house.addProtocol('large', { image: large });
      const good = await buildVersion(engine(), { program: program(), name: 'moved:1', behaviour: 'good' });
      house.addProtocol('moved', { image: good });
      await house.start();
    });
    after(async () => {
      await house?.close();
      await relay?.stop();
    });

    it('is fetched to its end although the registry is killed meanwhile, and what has come is not fetched again', async function () {
      this.timeout(180_000);
      relay.bytesPerSecond = BYTES_PER_SECOND / LAYERS;
      const cutAt = (LAYERS * LAYER_BYTES) / 2;
      const away = new Promise<void>((resolve) => {
        relay.onBytes = (total) => {
          if (total < cutAt) return;
          relay.onBytes = () => undefined;
          relay.cut();
          resolve(engine().stopRegistry());
        };
      });
      const ended = house.outcome('POST', 'large');
      await away;
      await engine().startRegistry();
      relay.bytesPerSecond = Number.POSITIVE_INFINITY;
      assert.equal((await ended).installationSuccess, true, (await house.protocol('large')).reason);
      const steps = house.progress.flatMap(
        ({ protocol, progress }) => (protocol === 'large' && progress) || [],
      );
      console.log(relay.bytes, JSON.stringify(steps));
    });
  });
}

/** Random, so that nothing of it can be packed. */
async function buildLarge(engine: ContainerEngine, program: string): Promise<string> {
  const context = engine.contextFolder('large');
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, 'main.mjs'), program);
  const copies = Array.from({ length: LAYERS }, (_, at) => {
    writeFileSync(join(context, `part-${at}`), randomBytes(LAYER_BYTES));
    return `COPY part-${at} /part-${at}`;
  });
  const env = 'ENV BEHAVIOUR=good VERSION=1';
  const lines = [`FROM ${BASE_IMAGE}`, 'COPY main.mjs /main.mjs', ...copies, 'USER 1000:1000', env];
  writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\nCMD ["node", "/main.mjs"]\n`);
  return engine.build('large:1', context);
}
