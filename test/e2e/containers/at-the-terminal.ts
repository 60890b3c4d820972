/** Containers and the person at the box: an image that is fetched is seen to come, and a factory reset leaves nothing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import type { ContainerEngine } from '../../support/container-engine.ts';
import { GateCommand } from '../../support/gate-command.ts';
import { TmuxScreen } from '../../support/tmux-screen.ts';
import { ContainerHouse } from './container-house.ts';

/** So large that it comes in pieces. */
const LAYER_BYTES = 40_000_000;
const SLOW_MS = 60_000;

export function describeAtTheTerminal(engine: () => ContainerEngine, program: () => string): void {
  describe('a protocol as a container, at the terminal', () => {
    let house: ContainerHouse;
    before(async () => {
      const context = engine().contextFolder('large-1');
      mkdirSync(context, { recursive: true });
      writeFileSync(join(context, 'ballast'), randomBytes(LAYER_BYTES));
      const image = await engine().buildProgram('large:1', program(), [
        'ENV BEHAVIOUR=good VERSION=1',
        'COPY ballast /ballast',
      ]);
      house = await ContainerHouse.open(engine());
      house.addProtocol('large', { image });
      await house.start();
    });
    after(() => house?.close());

    it('is installed with a bar that grows, and the steps stay as lines', async function () {
      const reason = reasonToSkip('tmux');
      if (reason !== undefined) {
        console.log(`      skipped: ${reason}`);
        return this.skip();
      }
      const screen = await TmuxScreen.open(house.folder.path, 80);
      try {
        const written = await screen.record();
        const { text, code } = await screen.runs('gate protocols install large', SLOW_MS);
        assert.equal(code, 0, text);
        assert.match(text, / {2}installing: .*\n(.*\n)*large 1\.0\.0 is installed\n=0=/);
        assert.doesNotMatch(text, /layers:/, 'the bar is gone');
        const bars = [
          ...written().matchAll(/(\[[#.]+\] {1,3}(\d+) % {2}[\d.]+ of [\d.]+ MB, layers: \d+ of \d+)/g),
        ];
        const shares = bars.map(([, , share]) => Number(share));
        assert.ok(shares.length > 0, written());
        assert.deepEqual(
          shares,
          shares.toSorted((a, b) => a - b),
        );
        for (const [, bar = ''] of bars) assert.ok(bar.length < 80, bar);
      } finally {
        await screen.close();
      }
      return undefined;
    });

    it('leaves nothing with the engine after a factory reset, and one that the engine does not carry out erases nothing', async () => {
      const volumes = async () =>
        (await engine().docker('volume', 'ls', '--quiet')).split('\n').filter(Boolean);
      await engine().docker('volume', 'create', 'of-somebody-else');
      assert.ok((await volumes()).length > 1, (await volumes()).join());
      await house.stop();
      const reset = (socket: string) =>
        new GateCommand(house.folder.path, ['factory-reset', '--yes', '--json'], {
          DOCKER_HOST: `unix://${socket}`,
          CONFIG_FOLDER: join(house.folder.path, 'config'),
        }).ended;
      const deaf = join(house.folder.path, 'nobody.sock');
      writeFileSync(deaf, '');
      const refused = await reset(deaf);
      assert.equal(refused.code, 1);
      const { message, hint } = JSON.parse(refused.errors);
      assert.match(message, /^nothing was erased: the container engine on \S+ does not answer/);
      assert.match(hint, /docker volume rm \$\(docker volume ls -q --filter label=gate\.gateway=\w+\)/);

      const done = await reset(engine().socketPath);
      assert.equal(done.code, 0, done.errors);
      const { erased } = JSON.parse(done.output);
      assert.ok(
        erased.some((what: string) => what.startsWith('volume ')),
        done.output,
      );
      assert.ok(
        erased.some((what: string) => what.startsWith('container ')),
        done.output,
      );
      assert.deepEqual(await volumes(), ['of-somebody-else']);
      assert.equal(await engine().docker('ps', '--all', '--quiet', '--filter', 'label=gate.gateway'), '');
      await engine().docker('volume', 'rm', 'of-somebody-else');
    });
  });
}
