/** Protocols as containers, on a real engine with a real registry: started once for all of these. */
import { ContainerEngine, reasonForNoEngine } from '../support/container-engine.ts';
import { describeAtTheTerminal } from './containers/at-the-terminal.ts';
import { describeCrashes } from './containers/crashes.ts';
import { describeFailures } from './containers/failures.ts';
import { describeLifecycle } from './containers/lifecycle.ts';
import { bundleProgram } from './containers/programs.ts';
import { describeRealProtocols } from './containers/real-protocols.ts';

describe('containers', function () {
  this.timeout(120_000);
  let engine: ContainerEngine;
  let program: string;

  before(async function () {
    const reason = reasonForNoEngine();
    if (reason) {
      console.log(`      ${reason}`);
      this.skip();
    }
    engine = await ContainerEngine.start();
    [program] = await Promise.all([bundleProgram(), engine.buildBase()]);
  });
  after(() => engine?.stop());

  for (const describePart of [
    describeLifecycle,
    describeFailures,
    describeRealProtocols,
    describeCrashes,
    describeAtTheTerminal,
  ])
    describePart(
      () => engine,
      () => program,
    );
});
