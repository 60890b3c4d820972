/** How an installation or an update ended, as the published API tells it: the same for applications and for the cloud. Pure. */
import type { GatewayEvents } from '../events.ts';

/** What the published API calls the gateway's own software. */
const OWN_IMAGE = 'instathings/gate';

/** The documented `event` of `installation_succeded` and `installation_failed`. */
export type InstallationReport = {
  /** When it ended: milliseconds since 1970. */
  dt_install: number;
  protocol: string;
  protocolId: string;
  exitStatus: number;
  installationSuccess: boolean;
  stdout: string;
  stderr: string;
  versions: Record<string, string>;
  newContainers: string[];
};

/** `gateVersion`: of gate itself. */
export function installationReport(
  ended: GatewayEvents['installationEnded'],
  gateVersion: string,
): InstallationReport {
  const { slug, protocolId, exitStatus, installationSuccess, stdout, stderr, ts, version, image } = ended;
  const own = ownVersion(gateVersion);
  return {
    dt_install: ts,
    protocol: slug,
    protocolId,
    exitStatus,
    installationSuccess,
    stdout,
    stderr,
    versions: installationSuccess ? { [slug]: versionName({ slug, version, image }), ...own } : own,
    newContainers: installationSuccess ? [slug] : [],
  };
}

/** The gateway's own entry of `versions`. */
export function ownVersion(version: string): Record<string, string> {
  return { gate: `${OWN_IMAGE}:${version}` };
}

/** What runs of a protocol, as `versions` has it: its image, or the version of its process. */
export function versionName({
  slug,
  version,
  image,
}: {
  slug: string;
  version: string;
  image?: string | undefined;
}): string {
  return image ?? `${slug}:${version}`;
}
