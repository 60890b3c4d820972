/** The add-ons, what is asked of them, and the broker between: whoever runs them, they log in there. */
import { join } from 'node:path';
import { AddonBroker } from '../broker/addon-broker.ts';
import { Inbox } from '../broker/inbox.ts';
import { ImageFetches } from '../core/installations/image-fetches.ts';
import { Installations } from '../core/installations/installations.ts';
import { Logs } from '../core/logs.ts';
import { ExternalLogins } from '../core/protocols/external-logins.ts';
import { ForeignAddons } from '../core/protocols/foreign-addons.ts';
import { ProtocolUploads } from '../core/protocols/protocol-uploads.ts';
import { Protocols } from '../core/protocols/protocols.ts';
import { readAddonFolders } from '../supervisor/addon-folders.ts';
import type { OnLine } from '../supervisor/addon-output.ts';
import { AddonShelfOnDisk } from '../supervisor/addon-shelf.ts';
import { AddonUploadsOnDisk } from '../supervisor/addon-uploads.ts';
import { EitherRuntime } from '../supervisor/either-runtime.ts';
import { ExternalAddons } from '../supervisor/external-addons.ts';
import { ProcessRuntime } from '../supervisor/process-runtime.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { layContainers } from './containers.ts';
import type { Ground } from './ground.ts';
import type { House } from './house.ts';
import { startRequests } from './requests.ts';

export type Addons = Awaited<ReturnType<typeof startAddons>>;

/** @throws GatewayError portTaken */
export async function startAddons(ground: Ground, house: House) {
  const { settings, dataFolder, running, events, health, logger, now, monotonicNow, newId } = ground;
  const { store, types, devices, readings, figures } = house;
  const broker = new AddonBroker({
    port: settings.LOCAL_BROKER_PORT,
    events,
    logger,
    newId,
    now,
    monotonicNow,
  });
  await running.run(broker);
  const protocols = new Protocols({ registry: store, devices, types, link: broker, health, events, now });
  await protocols.start(await packagesFound(ground));
  const requests = await startRequests(ground, { ...house, protocols, link: broker });
  const logins = new ExternalLogins({ protocols, credentials: broker });
  await broker.listen(
    new Inbox({ readings, devices, protocols, health, figures, events, logger, now }),
    logins,
  );
  running.onStop(() => broker.stopIntake());
  health.report('broker', 'running');

  const logs = new Logs({ own: ground.ownLog, devices, protocols, events, now });
  await running.run(logs);
  const onLine: OnLine = (slug, stream, line) => {
    logger[stream === 'ERR' ? 'warn' : 'info']({ addon: slug, stream }, line);
    logs.append(slug, stream, line);
  };
  const shelf = new AddonShelfOnDisk(dataFolder);
  const { containers, runtime, begin } = layContainers(ground, {
    gatewayId: house.gatewayId,
    broker,
    protocols,
    logs,
    onBack: (isContainer) => supervisor.hurry(isContainer),
  });
  const installations = new Installations({
    protocols,
    containers: { containers, trialMs: settings.ADDON_TRIAL_SECONDS * 1_000 },
    logins,
    credentials: broker,
    shelf,
    logs,
    events,
    now,
    onTrouble: (message, error) => logger.warn({ err: error }, message),
  });
  await running.run(installations);
  const fetches = new ImageFetches(events);
  await running.run(fetches);
  running.onStop(() => runtime.stop());
  const { nodePath, environment } = ground;
  const processes = new ProcessRuntime({ dataFolder, nodePath, environment, logger, onLine });
  const supervisor = new Supervisor({
    protocols,
    runtime: new EitherRuntime({ processes, containers: runtime }),
    credentials: broker,
    health,
    events,
    logger,
    monotonicNow,
    random: Math.random,
  });
  await running.run(supervisor);
  begin();
  await running.run(new ExternalAddons({ protocols, health, events, onLine }));
  const foreignAddons = new ForeignAddons({ protocols, devices, installations, shelf });
  const uploads = new ProtocolUploads({
    protocols,
    uploads: new AddonUploadsOnDisk({ dataFolder, newId, now }),
  });
  return { ...requests, broker, protocols, installations, fetches, foreignAddons, logins, logs, uploads };
}

async function packagesFound({ addonsFolder, dataFolder, events, logger }: Ground) {
  const { packages, problems } = await readAddonFolders({
    bundledFolder: addonsFolder,
    foreignFolder: join(dataFolder, 'addons'),
  });
  for (const problem of problems) {
    logger.warn(problem, `an add-on was left out: ${problem.reason}`);
    events.emit('addonLeftOut', problem);
  }
  return packages;
}
