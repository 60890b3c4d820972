/** Every route of the API, in the order of the description. */

import type { Clients } from '../../core/clients/clients.ts';
import type { Tokens } from '../../core/clients/tokens.ts';
import type { Commands } from '../../core/commands.ts';
import type { DeviceImport } from '../../core/devices/device-import.ts';
import type { Devices } from '../../core/devices/devices.ts';
import type { Pairing } from '../../core/devices/pairing.ts';
import type { Scans } from '../../core/devices/scans.ts';
import type { TypeCatalogue } from '../../core/devices/type-catalogue.ts';
import type { GatewayEventBus } from '../../core/events.ts';
import type { Figures } from '../../core/figures.ts';
import type { Health } from '../../core/health.ts';
import type { History } from '../../core/history.ts';
import type { ImageFetches } from '../../core/installations/image-fetches.ts';
import type { Installations } from '../../core/installations/installations.ts';
import type { Logs } from '../../core/logs.ts';
import type { Notifications } from '../../core/notifications/notifications.ts';
import type { Operations } from '../../core/operations.ts';
import type { ExternalLogins } from '../../core/protocols/external-logins.ts';
import type { ForeignAddons } from '../../core/protocols/foreign-addons.ts';
import type { ProtocolActions } from '../../core/protocols/protocol-actions.ts';
import type { ProtocolUploads } from '../../core/protocols/protocol-uploads.ts';
import type { Protocols } from '../../core/protocols/protocols.ts';
import type { Readings } from '../../core/readings.ts';
import type { Backups } from '../../core/upkeep/backups.ts';
import type { SerialPorts } from '../../core/upkeep/maintenance-ports.ts';
import type { Restores } from '../../core/upkeep/restores.ts';
import type { SoftwareUpdates } from '../../core/upkeep/software-updates.ts';
import type { Webhooks } from '../../core/webhooks.ts';
import { pause } from '../../lib/deadline.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Access } from '../access.ts';
import { LogInLimit } from '../log-in-limit.ts';
import type { MetricSources } from '../metrics/metric-sources.ts';
import type { ApiSettings } from '../settings.ts';
import { addAuthenticationRoutes } from './authentication.ts';
import { addControlRoutes } from './control.ts';
import { addDashboardRoutes } from './dashboard.ts';
import { addDescriptionRoutes } from './description.ts';
import { addDeviceImportRoutes } from './device-import.ts';
import { addDeviceReadingRoutes } from './device-readings.ts';
import { addTypeRoutes } from './device-types.ts';
import { addDeviceRoutes } from './devices.ts';
import { addForeignAddonRoutes } from './foreign-addons.ts';
import { addHealthRoutes } from './health.ts';
import { addHistoryRoutes } from './history.ts';
import { addLogRoutes } from './logs.ts';
import { addMaintenanceRoutes } from './maintenance.ts';
import { addMetricsRoute } from './metrics.ts';
import { addNotificationRoutes } from './notifications.ts';
import { addPairingRoutes } from './pairing.ts';
import { addProtocolActionRoutes } from './protocol-actions.ts';
import { addProtocolRoutes } from './protocols.ts';
import { Routes } from './router.ts';
import { addWebhookRoutes } from './webhooks.ts';

/** What the routes act on. */
export interface RouteParts {
  devices: Devices;
  readings: Readings;
  history: History;
  pairing: Pairing;
  commands: Commands;
  operations: Operations;
  protocols: Protocols;
  installations: Installations;
  fetches: ImageFetches;
  foreignAddons: ForeignAddons;
  logins: ExternalLogins;
  actions: ProtocolActions;
  scans: Scans;
  uploads: ProtocolUploads;
  deviceImport: DeviceImport;
  types: TypeCatalogue;
  webhooks: Webhooks;
  notifications: Notifications;
  logs: Logs;
  clients: Clients;
  tokens: Tokens;
  health: Health;
  events: GatewayEventBus;
  figures: Figures;
  backups: Backups;
  restores: Restores;
  updates: SoftwareUpdates;
  serialPorts: SerialPorts;
  settings: Pick<ApiSettings, 'version' | 'architecture' | 'startedAt'>;
  logger: Logger;
}

export function allRoutes(
  parts: RouteParts,
  { access, http, sockets }: { access: Access } & Pick<MetricSources, 'http' | 'sockets'>,
): Routes {
  const { health, logger } = parts;
  const routes = new Routes(access);
  addHealthRoutes(routes, { health, access });
  addDeviceRoutes(routes, { ...parts, access });
  addWebhookRoutes(routes, parts);
  addPairingRoutes(routes, parts);
  addDeviceReadingRoutes(routes, parts);
  addHistoryRoutes(routes, parts);
  addControlRoutes(routes, parts);
  addProtocolRoutes(routes, parts);
  addForeignAddonRoutes(routes, parts);
  addProtocolActionRoutes(routes, { ...parts, access });
  addDeviceImportRoutes(routes, parts);
  addTypeRoutes(routes, parts);
  addLogRoutes(routes, parts);
  addMaintenanceRoutes(routes, parts);
  addNotificationRoutes(routes, parts);
  const isClient = (clientId: string) => parts.clients.has(clientId);
  const logInLimit = new LogInLimit({ health, events: parts.events, isClient, logger, figures: http, pause });
  addAuthenticationRoutes(routes, { ...parts, logInLimit });
  addMetricsRoute(routes, { ...parts, http, sockets });
  addDescriptionRoutes(routes);
  addDashboardRoutes(routes);
  return routes;
}
