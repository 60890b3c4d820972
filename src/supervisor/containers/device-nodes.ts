/** The device nodes that an add-on's container gets: what its manifest names, as it is found on this box. */
import { realpath, stat } from 'node:fs/promises';
import type { ContainerManifest } from '../../contract/container.ts';
import { GatewayError } from '../../model/error.ts';
import type { JsonObject } from '../../model/json.ts';
import type { DeviceNode } from './container-descriptor.ts';

/** @throws GatewayError addonUnavailable naming the node that is not there, or is none */
export async function deviceNodes(
  { devices }: ContainerManifest,
  parameters: JsonObject,
): Promise<DeviceNode[]> {
  const nodes: DeviceNode[] = [];
  for (const path of devicePaths(devices, parameters)) nodes.push(await deviceNode(path));
  return nodes;
}

function devicePaths(devices: ContainerManifest['devices'], parameters: JsonObject): string[] {
  const paths = devices.map((device) => ('path' in device ? device.path : parameters[device.parameter]));
  return paths.filter((path): path is string => typeof path === 'string' && path.startsWith('/dev/'));
}

async function deviceNode(containerPath: string): Promise<DeviceNode> {
  let hostPath: string;
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    // the engine wants the node itself, where the parameter has a stable name of it
    hostPath = await realpath(containerPath);
    found = await stat(hostPath);
  } catch (cause) {
    throw missing(containerPath, 'is not there', cause);
  }
  if (!hostPath.startsWith('/dev/') || !(found.isCharacterDevice() || found.isBlockDevice()))
    throw missing(containerPath, 'is no device');
  return { hostPath, containerPath, groupId: Number(found.gid) };
}

function missing(path: string, what: string, cause?: unknown): GatewayError {
  return new GatewayError('addonUnavailable', `its device node ${path} ${what}`, {
    reasonCode: 'deviceMissing',
    hint: 'plug the device in, or install the protocol with the path that it has: ls -l /dev/serial/by-id',
    cause,
  });
}
