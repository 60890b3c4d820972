/** The container engine of the box, for add-ons that run in it; nothing of it is loaded before it is needed. */
import { existsSync, rmSync } from 'node:fs';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddonBroker } from '../broker/addon-broker.ts';
import { engineSocket } from '../config/engine-socket.ts';
import { CONTRACT_VERSION } from '../contract/version.ts';
import type { Logs } from '../core/logs.ts';
import type { BrokerDoor } from '../core/ports.ts';
import type { Protocols } from '../core/protocols/protocols.ts';
import { ensureUploadsFolder } from '../supervisor/addon-uploads.ts';
import { EngineAddonContainers } from '../supervisor/containers/addon-containers.ts';
import { ContainerImages } from '../supervisor/containers/container-images.ts';
import { ContainerNetwork } from '../supervisor/containers/container-network.ts';
import { ContainerRemovals } from '../supervisor/containers/container-removal.ts';
import { ContainerRuntime, type ServiceNews } from '../supervisor/containers/container-runtime.ts';
import { Engine } from '../supervisor/containers/engine.ts';
import { nanoseconds, type TimedLine } from '../supervisor/containers/log-frames.ts';
import { LogPositions } from '../supervisor/containers/log-position.ts';
import { RemovalNotes } from '../supervisor/containers/removal-notes.ts';
import type { Ground } from './ground.ts';

/** Name of its line in `/health/ready`. */
const PART = 'containers';

export interface ContainerHouse {
  gatewayId: string;
  broker: AddonBroker;
  protocols: Protocols;
  logs: Logs;
  /** The engine is there (again): what waits for it need not wait longer. */
  onBack: (isContainer: (slug: string) => boolean) => void;
}

export function layContainers(
  ground: Ground,
  { gatewayId, broker, protocols, logs, onBack }: ContainerHouse,
) {
  const { settings, dataFolder, events, health, logger } = ground;
  const mode = settings.ADDON_RUNTIME;
  const runFolder = join(dataFolder, 'run');
  const engine = new Engine(engineSocket(settings.DOCKER_HOST));
  const images = new ContainerImages({ engine, allowed: settings.ADDON_IMAGES });
  // as long as there may be containers: the next start looks for those that a crash has left
  const mark = join(runFolder, 'containers');
  const door: BrokerDoor = {
    openDoor: async (place) => {
      await mkdir(runFolder, { recursive: true, mode: 0o700 });
      // whatever lies there is a mark
      if (!existsSync(mark)) await writeFile(mark, '');
      return broker.openDoor(place);
    },
    doorUrl: (address) => broker.doorUrl(address),
    closeDoor: () => {
      rmSync(mark, { recursive: true, force: true });
      broker.closeDoor();
    },
  };
  const network = new ContainerNetwork({ engine, door, gatewayId });
  const positions = new LogPositions(runFolder, (words) =>
    logger.warn(`${words}. The log of that container is told from its beginning again`),
  );
  const notes = new RemovalNotes(runFolder, (words) =>
    logger.warn(`${words}. The data and images of an add-on that was removed may be in the engine still`),
  );
  const removals = new ContainerRemovals({
    gatewayId,
    dataFolder,
    engine,
    images,
    network,
    positions,
    notes,
  });
  const containers = new EngineAddonContainers({ mode, gatewayId, engine, images, removals });
  const { records } = protocols;
  const sweep = async () => {
    if (!existsSync(mark) && (await notes.slugs()).length === 0) return;
    await removals.sweep({
      isInstalled: (slug) => records.container(slug) !== undefined,
      imagesInUse: () => records.imagesInUse(),
    });
  };
  const onTrouble = (error: unknown) =>
    logger.warn({ err: error }, 'containers that an earlier run has left could not be removed');
  let described: string | undefined;
  const onEngine = (trouble: string | undefined) => {
    if (trouble === undefined) {
      health.report(PART, 'running', described);
      onBack((slug) => records.container(slug) !== undefined);
      sweep().catch(onTrouble);
    } else health.report(PART, 'degraded', `the container engine does not answer: ${trouble}`);
  };
  const runtime = new ContainerRuntime({
    gatewayId,
    engine,
    images,
    network,
    positions,
    uploadsFolder: async (slug) => realpath(await ensureUploadsFolder(dataFolder, slug, 'container')),
    refused: mode === 'process' ? 'it is installed as a container, and ADDON_RUNTIME=process' : undefined,
    onLine: (slug, { type, at, text }: TimedLine) => {
      logger[type === 'ERR' ? 'warn' : 'info']({ addon: slug, stream: type }, text);
      logs.append(slug, type, text, Number((nanoseconds(at) ?? 0n) / 1_000_000n) || undefined);
    },
    onService: (news) => tellService(ground, protocols, news),
    onEngine,
    logger,
  });
  /** Says what add-ons are installed as, and puts in order what a crash has left. Waits for nothing. */
  const begin = async () => {
    const { engine: answers, reason } = await containers.describe();
    described = reason;
    logger.info({ mode, socket: engine.socketPath }, reason);
    if (health.part(PART)?.state !== 'degraded') health.report(PART, answers ? 'running' : 'stopped', reason);
    // as soon as it is heard what is left is removed, be it now or later
    if (mode !== 'process' && (existsSync(mark) || (await notes.slugs()).length > 0)) runtime.watch();
  };
  events.on('logsGathered', ({ log }) => {
    try {
      positions.noteTold(log);
    } catch (error) {
      logger.warn({ addon: log, err: error }, 'how far its log was told is not kept');
    }
  });
  return { containers, runtime, begin: () => void begin().catch(onTrouble) };
}

/** A service says nothing of itself: what is found out of it is said in its place. */
function tellService(
  { events }: Ground,
  protocols: Protocols,
  { slug, state, version, reason }: ServiceNews,
): void {
  if (state === 'started') events.emit('addonConnected', { slug });
  else
    protocols.reportState(slug, {
      state,
      version,
      contract: CONTRACT_VERSION,
      ...(reason === undefined ? {} : { reason }),
    });
}
