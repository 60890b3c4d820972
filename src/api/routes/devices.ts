/** Devices: list, show, create, change, delete. */
import type { Devices } from '../../core/devices.ts';
import type { Pairing } from '../../core/pairing.ts';
import type { Device } from '../../model/device.ts';
import { GatewayError } from '../../model/error.ts';
import type { Access } from '../access.ts';
import { readJson } from '../body.ts';
import { type DeviceView, deviceView } from '../device-view.ts';
import { type ApiRouter, guarded } from './router.ts';

const DEVICES = '/device/v1/devices';
const DEVICE = `${DEVICES}/:deviceId`;

export function addDeviceRoutes(
  router: ApiRouter,
  { devices, pairing, access }: { devices: Devices; pairing: Pairing; access: Access },
): void {
  const read = guarded(access, 'read');
  const administer = guarded(access, 'administer');

  router.get(DEVICES, read, (context) => {
    context.body = listView(devices);
  });

  router.get(DEVICE, read, (context) => {
    context.body = singleView(devices, devices.get(context.params['deviceId'] as string));
  });

  router.post(DEVICES, administer, async (context) => {
    const device = await devices.create(await readJson(context.req));
    context.status = 201;
    context.set('Location', `${DEVICES}/${encodeURIComponent(device.id)}`);
    context.body = singleView(devices, device);
  });

  router.patch(DEVICE, administer, async (context) => {
    const deviceId = context.params['deviceId'] as string;
    await devices.patch(deviceId, await readJson(context.req));
    context.body = {};
  });

  router.delete(DEVICE, administer, async (context) => {
    await pairing.remove(context.params['deviceId'] as string);
    context.body = {};
  });

  // the first is the path as documented, without the service's prefix
  for (const prefix of ['/devices', DEVICES]) {
    router.delete(`${prefix}/:parentDeviceId/subDevice/subDevices/:deviceId`, administer, async (context) => {
      const { parentDeviceId, deviceId } = context.params as { parentDeviceId: string; deviceId: string };
      await pairing.remove(subDeviceOf(devices, parentDeviceId, deviceId).id);
      context.body = {};
    });
  }
}

function listView(devices: Devices): DeviceView<string>[] {
  const subDeviceIds = devices.subDevices().map((device) => device.id);
  return devices.list().map((device) => deviceView(device, devices.availability(device.id), subDeviceIds));
}

function singleView(devices: Devices, device: Device): DeviceView<DeviceView<never>> {
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
