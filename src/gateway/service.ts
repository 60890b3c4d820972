/** The gateway as an installed service: what it tells systemd, and how it is updated. */
import type { ReceivedFiles } from '../core/upkeep/maintenance-ports.ts';
import { SoftwareUpdates } from '../core/upkeep/software-updates.ts';
import { ServiceManager } from '../lib/service-manager.ts';
import type { Addons } from './addons.ts';
import type { Ground } from './ground.ts';
import type { House } from './house.ts';

type ServiceParts = Pick<House, 'store'> & Pick<Addons, 'broker'> & { updates: SoftwareUpdates };

/** The way to update gate, for who is asked for it from outside. It tells nothing before the service is started. */
export async function layUpdates(ground: Ground, received: ReceivedFiles): Promise<SoftwareUpdates> {
  const { events, logger } = ground;
  return new SoftwareUpdates({
    desk: await releaseDesk(ground),
    received,
    events,
    onTrouble: (error) => logger.warn({ err: error }, 'the end of an update could not be told yet'),
  });
}

/** When all else is up, and whoever listens to the end of an update. */
export async function startService(
  { environment, logger, running }: Ground,
  { store, broker, updates }: ServiceParts,
): Promise<void> {
  await running.run(updates);
  const parts = [
    { name: 'store', getOn: () => store.getOn() },
    { name: 'broker', getOn: () => broker.getOn() },
  ];
  await running.run(new ServiceManager({ environment, status: 'the API answers', parts, logger }));
}

/** Loaded where gate was installed from a release, and only there. */
async function releaseDesk({ settings, dataFolder, newId, architecture }: Ground) {
  const { INSTALL_FOLDER: installFolder, UPDATE_URLS: allowed } = settings;
  if (installFolder === undefined) return undefined;
  const { FetchingDesk } = await import('../updater/release-desk.ts');
  return new FetchingDesk({ installFolder, dataFolder, newId, allowed, architecture });
}
