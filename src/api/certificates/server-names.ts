/**
 * What callers on the network know this box by: its names, those of `ALLOWED_HOSTS`, and its addresses. Pure but for
 * what the caller hands over of `node:os`.
 */
import type { NetworkInterfaceInfo } from 'node:os';
import type { ServerNames } from './certificate-pair.ts';

/** Bridges of containers and virtual machines come and go; nobody on the LAN calls them. */
const INNER_INTERFACE = /^(docker|br-|veth|virbr|cni|podman|lxc)/;
const DNS_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const LINK_LOCAL = /^fe[89ab]/i;
/** A certificate with more names is of no use to anybody. */
const NAMES_MAX = 100;

export function serverNames(parts: {
  hostname: string;
  allowedHosts: readonly string[];
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>;
}): ServerNames {
  const own = parts.hostname.toLowerCase();
  const hosts = [own, own.endsWith('.local') ? own : `${own}.local`, 'localhost', ...parts.allowedHosts];
  const outer = Object.entries(parts.interfaces).flatMap(([name, infos = []]) =>
    INNER_INTERFACE.test(name) ? [] : infos.map(({ address }) => address),
  );
  return {
    hosts: bounded(hosts.map((name) => name.toLowerCase()).filter((name) => DNS_NAME.test(name))),
    addresses: bounded(['127.0.0.1', '::1', ...outer.filter((address) => !LINK_LOCAL.test(address))]),
  };
}

function bounded(names: readonly string[]): string[] {
  return [...new Set(names)].slice(0, NAMES_MAX);
}
