/** The API on the LAN and on the Unix socket, and the clients that may call it. */
import { join } from 'node:path';
import { Api, type ApiParts } from '../api/server.ts';
import type { ApiSettings } from '../api/settings.ts';
import { principalIn, principalOf } from '../config/principal.ts';
import { Clients } from '../core/clients/clients.ts';
import { FirstClient } from '../core/clients/first-client.ts';
import { Tokens } from '../core/clients/tokens.ts';
import { FirstClientFile } from '../store/files/first-client-file.ts';
import type { Addons } from './addons.ts';
import type { Ground } from './ground.ts';
import type { House } from './house.ts';
import type { startMaintenance } from './maintenance.ts';

type Maintenance = Awaited<ReturnType<typeof startMaintenance>>;
type LocalApiParts = House & Addons & Maintenance & Pick<ApiParts, 'certificate'> & { socketPath: string };

/** @throws GatewayError portTaken, badSetting, alreadyRunning */
export async function startApi(ground: Ground, parts: LocalApiParts): Promise<Api> {
  const { settings, running, events, now, newId } = ground;
  const { store, gatewayId, socketPath, ...rest } = parts;
  const clients = new Clients({ store, events, now });
  await clients.start();
  const tokens = new Tokens({
    clients,
    registry: store,
    issuer: gatewayId,
    lifetimeSeconds: settings.TOKEN_LIFETIME_MINUTES * 60,
    now,
    newId,
  });
  await tokens.start();
  await showFirstClient(ground, { clients, store });
  const api = new Api({
    ...rest,
    settings: await apiSettings(ground, socketPath),
    clients,
    tokens,
    health: ground.health,
    events,
    logger: ground.logger,
    now,
    monotonicNow: ground.monotonicNow,
  });
  await running.run(api);
  return api;
}

async function apiSettings(ground: Ground, socketPath: string): Promise<ApiSettings> {
  const { settings, version, architecture, events, running, now } = ground;
  const identity = {
    principal: await principalIn(settings.CONFIG_FOLDER),
    retentionDays: settings.RETENTION_DAYS,
  };
  running.onStop(
    events.on('gatewayCertified', ({ fingerprint }) => {
      identity.principal = principalOf(fingerprint);
    }),
  );
  return {
    lan: settings.ON_PREMISE_ENABLED ? { bind: settings.BIND, port: settings.PORT } : undefined,
    version,
    architecture,
    startedAt: now(),
    socketPath,
    anonymous: settings.ON_PREMISE_ANONYMOUS,
    rateLimits: {
      clientPerSecond: settings.RATE_LIMIT,
      anonymousPerSecond: settings.RATE_LIMIT_ANONYMOUS,
    },
    identity,
    corsOrigins: settings.CORS_ORIGINS,
    allowedHosts: settings.ALLOWED_HOSTS,
  };
}

/** The log has the path of the file alone: what stands in it is for who may read the data folder. */
async function showFirstClient(
  { dataFolder, events, logger }: Ground,
  { clients, store }: { clients: Clients; store: House['store'] },
): Promise<void> {
  const path = join(dataFolder, 'first-client.json');
  const firstClient = new FirstClient({
    clients,
    registry: store,
    events,
    note: new FirstClientFile({ path }),
    onTrouble: (error) => logger.warn({ err: error }, `the first client, or its file ${path}, is in trouble`),
  });
  if (await firstClient.start()) {
    logger.info({ path }, `the first client's id and secret are in ${path}, until it has logged in`);
  }
}
