/**
 * What a container of an add-on is made of, as a value. It has what its manifest names and nothing else: no privileges,
 * no capabilities, a root that is read only, bounds on everything (docs/decisions/0010). Pure.
 */
import { createHash } from 'node:crypto';
import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import type { ContainerManifest } from '../../contract/container.ts';
import type { JsonObject } from '../../model/json.ts';
import type { PinnedImage } from '../../model/protocol.ts';

export const NETWORK = 'gate-net';
/** Whose a container, a volume or a network is: nothing without these labels is ever touched. */
export const LABELS = {
  /** Id of the gateway. */
  gateway: 'gate.gateway',
  /** Slug of the add-on. */
  addon: 'gate.addon',
  /** What the container was made from: one of the same mark need not be made anew. */
  mark: 'gate.mark',
  image: 'gate.image',
} as const;

const BYTES_PER_MB = 1024 * 1024;
const TMPFS_OPTIONS = 'rw,noexec,nosuid,nodev,size=16m,mode=1777';
/** The engine keeps so much of what it writes. */
const LOG_OPTIONS = { 'max-size': '1m', 'max-file': '2' };
/** From SIGTERM to SIGKILL. */
export const STOP_SECONDS = 5;
const MARK_CHARS = 12;

/** A device node, found on this box. */
export interface DeviceNode {
  /** The node itself. */
  hostPath: string;
  /** As the add-on knows it: the stable path of its parameter. */
  containerPath: string;
  /** The group that may use it. */
  groupId: number;
}

export interface DescriptorInput {
  gatewayId: string;
  slug: string;
  image: PinnedImage;
  manifest: ContainerManifest;
  parameters: JsonObject;
  nodes: readonly DeviceNode[];
  /** Where the broker is reached from the network of the containers. */
  brokerUrl: string;
  /** Files that are sent for it, where its manifest asks for them: a folder of this box. */
  uploadsFolder?: string | undefined;
}

export interface Descriptor {
  /** Of its content, the token left out. */
  mark: string;
  /** What is given to the engine; a new token for each container. */
  options(token: string): ContainerCreateOptions;
}

export function containerDescriptor(input: DescriptorInput): Descriptor {
  const plain = withoutIdentity(input);
  const mark = createHash('sha256')
    .update(JSON.stringify([input.gatewayId, input.slug, plain]))
    .digest('hex')
    .slice(0, MARK_CHARS);
  const { gatewayId, slug, image, manifest } = input;
  return {
    mark,
    options: (token) => ({
      name: `gate-${slug}-${mark}`,
      ...plain,
      Env: [...(plain.Env ?? []), ...(manifest.service ? [] : [`GATE_ADDON_TOKEN=${token}`])],
      Labels: { ...ownLabels(gatewayId, slug), [LABELS.mark]: mark, [LABELS.image]: image.id },
    }),
  };
}

export function ownLabels(gatewayId: string, slug: string): Record<string, string> {
  return { [LABELS.gateway]: gatewayId, [LABELS.addon]: slug };
}

export function volumeName(gatewayId: string, slug: string): string {
  return `gate-${gatewayId}-${slug}`;
}

/** The port on the box that a port of the container is served at. */
export function hostPort(
  { container, host, parameter }: ContainerManifest['ports'][number],
  parameters: JsonObject,
): number {
  const given = parameter === undefined ? undefined : parameters[parameter];
  return typeof given === 'number' ? given : (host ?? container);
}

/** The one thing of the box's own file system that it may see: to be read alone. */
function uploadsMount(folder: string, dataPath: string): MountSettings {
  return { Type: 'bind', Source: folder, Target: `${dataPath}/uploads`, ReadOnly: true };
}

function withoutIdentity(input: DescriptorInput): ContainerCreateOptions {
  const { gatewayId, slug, image, manifest, parameters, nodes, brokerUrl, uploadsFolder } = input;
  const { memoryMb, cpuPercent, pids, tmpfs, ports, dataPath, environment, service } = manifest;
  const contract = [`GATE_BROKER_URL=${brokerUrl}`, `GATE_ADDON=${slug}`, `GATE_DATA_FOLDER=${dataPath}`];
  const bound = (port: ContainerManifest['ports'][number]) => `${port.container}/${port.protocol}`;
  return {
    Image: image.id,
    Env: [
      ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      ...(service ? [] : contract),
    ],
    ExposedPorts: Object.fromEntries(ports.map((port) => [bound(port), {}])),
    StopTimeout: STOP_SECONDS,
    Tty: false,
    OpenStdin: false,
    HostConfig: {
      Privileged: false,
      CapAdd: [],
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Tmpfs: Object.fromEntries(tmpfs.map((path) => [path, TMPFS_OPTIONS])),
      Memory: memoryMb * BYTES_PER_MB,
      // the same: no swap, whose wear a memory card does not bear
      MemorySwap: memoryMb * BYTES_PER_MB,
      NanoCpus: cpuPercent * 10_000_000,
      PidsLimit: pids,
      Devices: nodes.map(({ hostPath, containerPath }) => ({
        PathOnHost: hostPath,
        PathInContainer: containerPath,
        CgroupPermissions: 'rw',
      })),
      GroupAdd: [...new Set(nodes.map(({ groupId }) => String(groupId)))],
      Mounts: [
        { Type: 'volume', Source: volumeName(gatewayId, slug), Target: dataPath },
        ...(uploadsFolder === undefined ? [] : [uploadsMount(uploadsFolder, dataPath)]),
      ],
      NetworkMode: NETWORK,
      PortBindings: Object.fromEntries(
        ports.map((port) => [bound(port), [{ HostPort: String(hostPort(port, parameters)) }]]),
      ),
      IpcMode: 'private',
      Init: true,
      // it is gate that starts it again, and knows when not to
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: LOG_OPTIONS },
    },
  };
}
