/** The gateway as a whole: what it is, how its backups, their return and its updates stand, and the ports of its box. */
import * as v from 'valibot';
import type { Backups } from '../../core/upkeep/backups.ts';
import type { SerialPorts } from '../../core/upkeep/maintenance-ports.ts';
import type { Restores } from '../../core/upkeep/restores.ts';
import type { SoftwareUpdates } from '../../core/upkeep/software-updates.ts';
import { text, timestamp } from '../schemas.ts';
import type { ApiSettings } from '../settings.ts';
import {
  backupViewSchema,
  MAINTENANCE,
  restoreViewSchema,
  updateViewSchema,
} from '../views/maintenance-view.ts';
import { addBackupRoutes } from './backup.ts';
import { addRestoreRoutes } from './restore.ts';
import type { Routes } from './router.ts';
import { addUpdateRoutes } from './software-update.ts';

const section = 'Maintenance';
export const maintenanceSchema = v.object({
  gateway: v.object({
    id: v.string(),
    projectId: v.string(),
    version: text('Of gate'),
    node: text('The Node that runs it'),
    architecture: text('As Node calls it'),
    startedAt: timestamp('When it was started'),
    canUpdate: v.pipe(v.boolean(), v.description('Whether it was installed so that it can update itself')),
  }),
  backup: backupViewSchema,
  restore: restoreViewSchema,
  update: updateViewSchema,
});
export const serialPortSchema = v.object({
  path: text('What lasts, whatever plug it is in; in `/dev/serial/by-id` where there is such a name'),
  device: text('The kernel’s name at present'),
  name: v.optional(text('Maker and product')),
});

export interface MaintenanceRouteParts {
  backups: Backups;
  restores: Restores;
  updates: SoftwareUpdates;
  serialPorts: SerialPorts;
  devices: { gatewayId: string; projectId: string };
  settings: Pick<ApiSettings, 'version' | 'architecture' | 'startedAt'>;
}

export function addMaintenanceRoutes(routes: Routes, parts: MaintenanceRouteParts): void {
  const { backups, restores, updates, serialPorts, devices, settings } = parts;
  routes.add({
    method: 'GET',
    path: MAINTENANCE,
    name: 'getMaintenance',
    section,
    summary: 'What the gateway is, and how its backup, restore and update stand',
    description:
      'Whoever left long work and comes back finds it here; the event `maintenance` tells what changes.',
    right: 'administer',
    answers: { 200: { says: 'As it stands', json: maintenanceSchema } },
    handle: () => ({
      gateway: {
        id: devices.gatewayId,
        projectId: devices.projectId,
        version: settings.version ?? 'unknown',
        node: process.versions.node,
        architecture: settings.architecture ?? process.arch,
        startedAt: settings.startedAt ?? 0,
        canUpdate: updates.possible,
      },
      backup: backups.view(),
      restore: restores.view(),
      update: updates.view(),
    }),
  });

  routes.add({
    method: 'GET',
    path: '/device/v1/serial-ports',
    name: 'listSerialPorts',
    section: 'Protocols',
    summary: 'Get the serial ports of the box',
    description: 'For protocols that are installed with one: those of sticks, with their lasting name first.',
    right: 'administer',
    answers: { 200: { says: 'The ports', json: v.array(serialPortSchema) } },
    handle: () => serialPorts.list(),
  });
  addBackupRoutes(routes, parts);
  addRestoreRoutes(routes, parts);
  addUpdateRoutes(routes, parts);
}
