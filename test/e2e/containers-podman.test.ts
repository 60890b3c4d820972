/**
 * Containers of add-ons on Podman, by its compatible socket: their life, and what is not gate's. What Podman leaves to systemd
 * (health checks) is not here: there is none where tests run.
 */
import { ContainerEngine, reasonForNoEngine } from '../support/container-engine.ts';
import { describeLifecycle } from './containers/lifecycle.ts';
import { bundleProgram } from './containers/programs.ts';
import { describeStrangers } from './containers/strangers.ts';

describe('containers on Podman', function () {
  this.timeout(120_000);
  let engine: ContainerEngine;
  let program: string;

  before(async function () {
    const reason = reasonForNoEngine('podman');
    if (reason) {
      console.log(`      ${reason}`);
      this.skip();
    }
    engine = await ContainerEngine.start('podman');
    [program] = await Promise.all([bundleProgram(), engine.buildBase()]);
  });
  after(() => engine?.stop());

  for (const describePart of [describeLifecycle, describeStrangers])
    describePart(
      () => engine,
      () => program,
    );
});
