/** Podman as an engine of a test's own: how its service is started, with all that it keeps in one folder. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface EngineCommand {
  command: string;
  args: string[];
  environment: Record<string, string>;
}

/** `folder` becomes its own. */
export function podmanService(folder: string, socketPath: string): EngineCommand {
  const place = (name: string) => join(folder, name);
  for (const name of ['root', 'run', 'networks', 'tmp']) mkdirSync(place(name), { recursive: true });
  // its own defaults suit machines with systemd and cgroups of version 2 alone
  const containers = `
    [containers]
    default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
    [engine]
    runtime = "runc"
    cgroup_manager = "cgroupfs"
    events_logger = "file"
    tmp_dir = "${place('tmp')}"
    [network]
    network_backend = "netavark"
    network_config_dir = "${place('networks')}"
  `;
  const storage = `
    [storage]
    driver = "overlay"
    graphroot = "${place('root')}"
    runroot = "${place('run')}"
  `;
  const registries = '[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n';
  writeFileSync(place('containers.conf'), containers);
  writeFileSync(place('storage.conf'), storage);
  writeFileSync(place('registries.conf'), registries);
  return {
    command: 'podman',
    args: ['system', 'service', '--time=0', `unix://${socketPath}`],
    environment: {
      CONTAINERS_CONF: place('containers.conf'),
      CONTAINERS_STORAGE_CONF: place('storage.conf'),
      CONTAINERS_REGISTRIES_CONF: place('registries.conf'),
    },
  };
}
