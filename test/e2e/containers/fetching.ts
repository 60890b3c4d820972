/** How images come: in pieces that are told, over a registry that goes away meanwhile, and held to their content. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { BASE_IMAGE, type ContainerEngine } from '../../support/container-engine.ts';
import { TcpRelay } from '../../support/tcp-relay.ts';
import { until } from '../../support/until.ts';
import { ContainerHouse } from './container-house.ts';
import { buildVersion } from './programs.ts';

const LAYERS = 3;
const LAYER_BYTES = 12_000_000;
const BYTES_PER_SECOND = 8_000_000;
/** Manifests, headers, and what was on its way when it was cut. */
const FURTHER_BYTES = 1_000_000;

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
      const wholeBytes = LAYERS * LAYER_BYTES;
      assert.ok(relay.bytes < wholeBytes + FURTHER_BYTES, `${relay.bytes} bytes came for ${wholeBytes}`);
      const steps = house.progress.flatMap((step) => (step.protocol === 'large' && step.progress) || []);
      const [bytes, last] = [steps.map((step) => step.bytes), steps.at(-1)];
      assert.deepEqual(
        bytes,
        bytes.toSorted((one, other) => one - other),
      );
      assert.ok(
        bytes.some((count) => count > 0 && count < wholeBytes),
        `${bytes}`,
      );
      assert.ok(last && last.bytes === last.totalBytes && last.bytes >= wholeBytes, JSON.stringify(last));
      assert.deepEqual([last.layers, last.layersDone], [LAYERS + 2, LAYERS + 2]);
      await house.removed('large', '?data=true');
    });

    it('is held to its content: a tag that is moved changes nothing until the update', async function () {
      this.timeout(90_000);
      const docker = (...args: string[]) => engine().docker(...args);
      const running = async () => (await house.containers('moved'))[0];
      await house.outcome('POST', 'moved');
      const [before, first] = [await house.protocol('moved'), await running()];
      await house.stop();
      const moved = ['ENV BEHAVIOUR=good VERSION=moved'];
      await engine().buildProgram('moved:1', program(), moved);
      await docker('rm', '--force', first?.id ?? '');
      await docker('rmi', '--force', first?.image ?? '');
      await docker('image', 'prune', '--force');
      await house.start();
      const { image } = await house.runs('moved');
      assert.deepEqual([image, (await running())?.image], [before.image, first?.image]);
      assert.equal((await house.outcome('PUT', 'moved')).installationSuccess, true);
      const after = await house.protocol('moved');
      assert.equal(after.image?.name, image?.name);
      assert.notEqual(after.image?.digest, image?.digest);
      await house.removed('moved', '?data=true');
    });

    it('is deleted when two versions have come after it', async () => {
      const build = (name: string) => buildVersion(engine(), { program: program(), name, behaviour: 'good' });
      const images = [await build('row:1'), await build('row:2'), await build('row:3')];
      const there = async () => {
        const ids = images.map((name) => engine().docker('images', '--quiet', name));
        return (await Promise.all(ids)).map((id) => id !== '');
      };
      await house.outcome('POST', 'moved', { image: images[0] });
      for (const [at, expected] of [
        [true, true, false],
        [false, true, true],
      ].entries()) {
        const { installationSuccess } = await house.outcome('PUT', 'moved', { image: images[at + 1] });
        assert.equal(installationSuccess, true);
        await until(`${expected}`, async () => isDeepStrictEqual(await there(), expected));
      }
      await house.removed('moved', '?data=true');
      await until('none is left', async () => isDeepStrictEqual(await there(), [false, false, false]));
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
  const name = await engine.build('large:1', context);
  // the layers that it was made with would not be fetched
  await engine.docker('image', 'prune', '--force');
  return name;
}
