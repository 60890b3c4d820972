/** Devices: list, show, create, change, delete. */
import * as v from 'valibot';
import { type Devices, devicePatchSchema, newDeviceSchema } from '../../core/devices.ts';
import type { Pairing } from '../../core/pairing.ts';
import type { Device } from '../../model/device.ts';
import { GatewayError } from '../../model/error.ts';
import { deviceInListSchema, deviceSchema, deviceView } from '../device-view.ts';
import { nothingSchema } from '../schemas.ts';
import { pathTo, type Routes } from './router.ts';

const section = 'Devices';
const DEVICES = '/device/v1/devices';
const DEVICE = `${DEVICES}/:deviceId` as const;
const SUB_DEVICE = ':parentDeviceId/subDevice/subDevices/:deviceId';

/** What a deletion answers: nothing, unless the device did not leave its network by itself. */
const removedSchema = v.strictObject({
  forcedOut: v.optional(
    v.pipe(
      v.string(),
      v.description('Why the device had to be forced out of its network, and what to do with it'),
    ),
  ),
});

export function addDeviceRoutes(
  routes: Routes,
  { devices, pairing }: { devices: Devices; pairing: Pairing },
): void {
  routes.add({
    method: 'GET',
    path: DEVICES,
    name: 'listDevices',
    section,
    summary: 'Get all devices',
    description: 'The gateway itself is one of them, and its `subDevices` are ids.',
    right: 'read',
    answers: { 200: { says: 'Every device', json: v.array(deviceInListSchema) } },
    handle: () => listView(devices),
  });

  routes.add({
    method: 'GET',
    path: DEVICE,
    name: 'getDevice',
    section,
    summary: 'Get a device by id',
    description: 'The `subDevices` of the gateway are whole devices here.',
    right: 'read',
    answers: { 200: { says: 'The device', json: deviceSchema } },
    errors: ['notFound'],
    handle: ({ path }) => singleView(devices, devices.get(path.deviceId)),
  });

  routes.add({
    method: 'POST',
    path: DEVICES,
    name: 'createDevice',
    section,
    summary: 'Create a device',
    description:
      '`type` is the id of a device type; only a virtual device may do without. `parameters` are checked against the JSON Schema of the type, and its defaults are filled in. A device that is not virtual is paired next.',
    right: 'administer',
    body: newDeviceSchema,
    bodyName: 'device',
    answers: { 201: { says: 'The new device', json: deviceSchema, headers: ['Location'] } },
    errors: ['conflict', 'storeFailed'],
    handle: async ({ body, context }) => {
      const device = await devices.create(body);
      context.set('Location', pathTo(DEVICE, { deviceId: device.id }));
      return singleView(devices, device);
    },
  });

  routes.add({
    method: 'PATCH',
    path: DEVICE,
    name: 'patchDevice',
    section,
    summary: 'Change a device',
    description:
      '`parameters` are merged into those there are, and checked again. `frequency` and `demoActive` are for virtual devices.',
    right: 'administer',
    body: devicePatchSchema,
    bodyName: 'device',
    answers: { 200: { says: 'Changed', json: nothingSchema } },
    errors: ['notFound', 'storeFailed'],
    handle: async ({ path, body }) => {
      await devices.patch(path.deviceId, body);
      return {};
    },
  });

  routes.add({
    method: 'DELETE',
    path: DEVICE,
    name: 'deleteDevice',
    section,
    summary: 'Delete a device',
    description:
      'It is unpaired from its network first; one that does not answer is forced out, and that is said. The gateway itself cannot be deleted: 403.',
    right: 'administer',
    answers: { 200: { says: 'Deleted', json: removedSchema } },
    errors: ['forbidden', 'notFound', 'conflict', 'storeFailed'],
    handle: async ({ path }) => {
      return removed(await pairing.remove(path.deviceId));
    },
  });

  const deleteSubDevice = async ({ path }: { path: { parentDeviceId: string; deviceId: string } }) => {
    return removed(await pairing.remove(subDeviceOf(devices, path.parentDeviceId, path.deviceId).id));
  };
  const common = {
    method: 'DELETE',
    section,
    right: 'administer',
    answers: { 200: { says: 'Deleted', json: removedSchema } },
    errors: ['forbidden', 'notFound', 'conflict', 'storeFailed'],
  } as const;
  routes.add({
    ...common,
    path: `/devices/${SUB_DEVICE}`,
    name: 'deleteSubDevice',
    summary: 'Delete a device below the gateway',
    handle: deleteSubDevice,
  });
  routes.add({
    ...common,
    path: `${DEVICES}/${SUB_DEVICE}`,
    name: 'deleteSubDeviceByPrefix',
    summary: 'Delete a device below the gateway, under the prefix of the service',
    handle: deleteSubDevice,
  });
}

function removed(forcedOut: string | undefined): v.InferOutput<typeof removedSchema> {
  return forcedOut === undefined ? {} : { forcedOut };
}

function listView(devices: Devices) {
  const subDeviceIds = devices.subDevices().map((device) => device.id);
  return devices.list().map((device) => deviceView(device, devices.availability(device.id), subDeviceIds));
}

function singleView(devices: Devices, device: Device) {
  const below = device.isGateway ? devices.subDevices() : [];
  return deviceView(
    device,
    devices.availability(device.id),
    below.map((sub) => deviceView<never>(sub, devices.availability(sub.id))),
  );
}

/** @throws GatewayError notFound, also when the device hangs below another one */
function subDeviceOf(devices: Devices, parentDeviceId: string, deviceId: string): Device {
  devices.get(parentDeviceId);
  const device = devices.get(deviceId);
  if (device.parentDevice === parentDeviceId) return device;
  throw new GatewayError('notFound', `there is no device "${deviceId}" below "${parentDeviceId}"`);
}
