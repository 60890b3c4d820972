/** Where the container engine is spoken to. */
import { existsSync } from 'node:fs';
import { GatewayError } from '../model/error.ts';

/** Where engines have their sockets: Docker's, Podman's. */
const USUAL_PLACES = ['/var/run/docker.sock', '/run/podman/podman.sock'];
const SCHEME = 'unix://';

/** The socket that `DOCKER_HOST` names, or the first of the usual ones that is there. @throws GatewayError badSetting */
export function engineSocket(dockerHost: string | undefined): string {
  if (dockerHost === undefined)
    return USUAL_PLACES.find((path) => existsSync(path)) ?? (USUAL_PLACES[0] as string);
  if (dockerHost.startsWith(`${SCHEME}/`)) return dockerHost.slice(SCHEME.length);
  throw new GatewayError(
    'badSetting',
    `DOCKER_HOST is "${dockerHost}", but must be unix:///path/of/a/socket`,
    {
      hint: 'gate uses the container engine of its own box alone',
    },
  );
}
