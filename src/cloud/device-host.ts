/**
 * Where a device given by the cloud may be: not at the gateway itself, not at a link-local address (where clouds keep
 * the secrets of their machines), nowhere that is no single host. A name is resolved; one that leads to several
 * addresses must be well with all of them.
 */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { withDeadline } from '../lib/deadline.ts';
import { GatewayError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';

/** Parameters that say where a device is. */
const HOST_PARAMETERS = ['hostname', 'host', 'ip', 'ip_address', 'address'];
const RESOLVE_DEADLINE_MS = 10_000;
/** What looks like a number only in part, as in 0x7f.1, means an address to some resolvers. */
const ODD_NUMBER = /^(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*\.?$/i;

const forbidden = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
] as const)
  forbidden.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  forbidden.addSubnet(network, prefix, 'ipv6');

/** @throws GatewayError forbidden, badRequest naming the parameter */
export async function demandForeignHost(parameters: JsonObject): Promise<void> {
  for (const name of HOST_PARAMETERS) {
    const host = parameters[name];
    if (typeof host !== 'string' || !looksLikeHost(name, host)) continue;
    for (const address of await addressesOf(name, host)) {
      const problem = problemOf(address);
      if (problem === undefined) continue;
      const where = address === host ? host : `${host} (${address})`;
      throw new GatewayError('forbidden', `"${name}" leads to ${where}, ${problem}`, {
        hint: 'name the device by its own address in the local network',
      });
    }
  }
}

/** An `address` may be one of a bus. */
function looksLikeHost(name: string, value: string): boolean {
  return name !== 'address' || isIP(value) !== 0 || /^[\w-]+(\.[\w-]+)+$/.test(value);
}

async function addressesOf(name: string, host: string): Promise<string[]> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare)) return [bare];
  if (ODD_NUMBER.test(bare))
    throw new GatewayError('badRequest', `"${name}" is neither a host name nor an IP address: ${host}`);
  try {
    const found = await withDeadline(lookup(bare, { all: true }), RESOLVE_DEADLINE_MS, `resolving ${host}`);
    return found.map(({ address }) => address);
  } catch (cause) {
    throw new GatewayError('badRequest', `"${name}" cannot be resolved: ${host}`, {
      hint: 'is the name known in the network of the gateway?',
      cause,
    });
  }
}

function problemOf(address: string): string | undefined {
  const plain = address.replace(/%.*$/, '').replace(/^::ffff:(\d+\.\d+\.\d+\.\d+)$/i, '$1');
  const family = isIP(plain) === 4 ? 'ipv4' : 'ipv6';
  if (forbidden.check(plain, family)) return 'where no device of the local network can be';
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const mine = new BlockList();
  for (const each of own)
    mine.addAddress(each.address.replace(/%.*$/, ''), each.family === 'IPv4' ? 'ipv4' : 'ipv6');
  return mine.check(plain, family) ? 'which is the gateway itself' : undefined;
}
