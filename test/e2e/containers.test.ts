/** Protocols as containers, on a real engine with a real registry: started once for all of these. */
import { ContainerEngine, reasonForNoEngine } from '../support/container-engine.ts';
import { describeAtTheTerminal } from './containers/at-the-terminal.ts';
import { describeAutomations } from './containers/automations.ts';
import { describeCrashes } from './containers/crashes.ts';
import { describeFailures } from './containers/failures.ts';
import { describeFetching } from './containers/fetching.ts';
import { describeCloudCommands } from './containers/from-the-cloud.ts';
import { describeLifecycle } from './containers/lifecycle.ts';
import { describeNoEngine } from './containers/no-engine.ts';
import { bundleProgram } from './containers/programs.ts';
import { describeRealProtocols } from './containers/real-protocols.ts';
import { describeStrangers } from './containers/strangers.ts';

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

  const parts = [
    describeLifecycle,
    describeFetching,
    describeStrangers,
    describeFailures,
    describeAtTheTerminal,
    describeNoEngine,
    describeCloudCommands,
    describeRealProtocols,
    describeAutomations,
    describeCrashes,
  ];
  for (const describePart of parts)
    describePart(
      () => engine,
      () => program,
    );
});
