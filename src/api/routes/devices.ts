/** Devices: list, show, create, change, delete. */
import * as v from 'valibot';
import { type Devices, devicePatchSchema, newDeviceSchema } from '../../core/devices/devices.ts';
import type { Pairing } from '../../core/devices/pairing.ts';
import type { Webhooks } from '../../core/webhooks.ts';
import type { Device } from '../../model/device.ts';
import { GatewayError } from '../../model/error.ts';
import type { Access, Caller } from '../access.ts';
import { nothingSchema } from '../schemas.ts';
import { deviceInListSchema, deviceSchema, deviceView } from '../views/device-view.ts';
import { pathTo, type Routes } from './router.ts';

const section = 'Devices';
const DEVICES = '/device/v1/devices';
const DEVICE = `${DEVICES}/:deviceId` as const;
const SUB_DEVICE = ':parentDeviceId/subDevice/subDevices/:deviceId';

export interface DeviceRouteParts {
  devices: Devices;
  pairing: Pairing;
  webhooks: Webhooks;
  access: Access;
}
/** The webhook of a device, as far as the caller may know it. */
type WebhookOf = (device: Device) => string | undefined;
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
  { devices, pairing, webhooks, access }: DeviceRouteParts,
): void {
  const webhookFor = (caller: Caller) => (device: Device) =>
    access.may(caller, 'administer') ? webhooks.pathOf(device) : undefined;
  routes.add({
    method: 'GET',
    path: DEVICES,
    name: 'listDevices',
    section,
    summary: 'Get all devices',
    description: 'The gateway itself is one of them, and its `subDevices` are ids.',
    right: 'read',
    answers: { 200: { says: 'Every device', json: v.array(deviceInListSchema) } },
    handle: ({ context }) => listView(devices, webhookFor(context.state.caller)),
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
    handle: ({ path, context }) =>
      singleView(devices, devices.get(path.deviceId), webhookFor(context.state.caller)),
  });

  routes.add({
    method: 'POST',
    path: DEVICES,
    name: 'createDevice',
    section,
    summary: 'Create a device',
    description:
      '`type` is the id of a device type; only a virtual device may do without. `parameters` are checked against the JSON Schema of the type, and its defaults are filled in. A device that is not virtual is paired next, at once with `pair`.',
    right: 'administer',
    body: newDeviceSchema,
    bodyName: 'device',
    answers: { 201: { says: 'The new device', json: deviceSchema, headers: ['Location'] } },
    errors: ['conflict', 'storeFailed'],
    handle: async ({ body, context }) => {
      const created = await devices.create(body);
      const device = body.pair ? await pairing.pair(created.id) : created;
      context.set('Location', pathTo(DEVICE, { deviceId: device.id }));
      return singleView(devices, device, webhookFor(context.state.caller));
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

function listView(devices: Devices, webhookOf: WebhookOf) {
  const subDevices = devices.subDevices().map((device) => device.id);
  return devices
    .list()
    .map((device) =>
      deviceView(device, devices.availability(device.id), { subDevices, webhook: webhookOf(device) }),
    );
}

function singleView(devices: Devices, device: Device, webhookOf: WebhookOf) {
  const below = device.isGateway ? devices.subDevices() : [];
  return deviceView(device, devices.availability(device.id), {
    subDevices: below.map((sub) =>
      deviceView<never>(sub, devices.availability(sub.id), { webhook: webhookOf(sub) }),
    ),
    webhook: webhookOf(device),
  });
}

/** @throws GatewayError notFound, also when the device hangs below another one */
function subDeviceOf(devices: Devices, parentDeviceId: string, deviceId: string): Device {
  devices.get(parentDeviceId);
  const device = devices.get(deviceId);
  if (device.parentDevice === parentDeviceId) return device;
  throw new GatewayError('notFound', `there is no device "${deviceId}" below "${parentDeviceId}"`);
}
