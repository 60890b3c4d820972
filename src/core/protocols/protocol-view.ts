/** A protocol as callers see it: the documented keys first, then what this gateway adds. Pure. */
import type { Manifest } from '../../contract/manifest.ts';
import type { PartHealth, PartState } from '../../model/health.ts';
import type { PinnedImage } from '../../model/protocol.ts';

export const INSTALLATION_STATUSES = [
  'notInstalled',
  'installing',
  'installed',
  'updating',
  'removing',
  'failed',
] as const;
export type InstallationStatus = (typeof INSTALLATION_STATUSES)[number];

/** Where an installation stands while that is more than "installed" or not; `reason` for a person. */
export interface InstallationPhase {
  status: InstallationStatus;
  reason?: string;
}

export interface ProtocolView {
  id: string;
  name: string;
  slug: string;
  status: InstallationStatus;
  /** The add-on's state: process and link together; `stopped` when it is not installed. */
  state: PartState;
  /** Why the status or, where that needs none, the state is so. */
  reason?: string;
  /** The add-on's version. */
  version: string;
  /** What it runs, where it is installed as a container; `digest` is the registry's name of just this content. */
  image?: { name: string; digest?: string | undefined };
  /** What its add-on can be asked to do, by name; left out where there is nothing. */
  actions?: Manifest['actions'];
  /** The JSON Schema of what it is installed with. */
  parameters: Manifest['parameters'];
  /** Of these: what names a device of the box, such as a serial port. */
  devicePaths?: string[];
}

/** What is known of a protocol besides its manifest. */
export interface ProtocolFacts {
  installed: boolean;
  phase: InstallationPhase | undefined;
  health: PartHealth | undefined;
  image?: PinnedImage | undefined;
}

export function protocolView(
  { id, name, slug, version, actions = {}, parameters, runtime }: Manifest,
  { installed, phase, health, image }: ProtocolFacts,
): ProtocolView {
  const reason = phase?.reason ?? health?.reason;
  const devicePaths = (runtime.container?.devices ?? []).flatMap((node) =>
    'parameter' in node && node.parameter !== undefined ? [node.parameter] : [],
  );
  return {
    id,
    name,
    slug,
    status: phase?.status ?? (installed ? 'installed' : 'notInstalled'),
    state: health?.state ?? 'stopped',
    ...(reason === undefined ? {} : { reason }),
    version,
    ...(image ? { image: { name: image.name, ...(image.digest ? { digest: image.digest } : {}) } } : {}),
    ...(Object.keys(actions).length === 0 ? {} : { actions }),
    parameters,
    ...(devicePaths.length === 0 ? {} : { devicePaths }),
  };
}
