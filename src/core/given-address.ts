/**
 * Where a device may be whose parameters came from the cloud. Somebody on the premises may name any address: the box is
 * theirs. The cloud, or who has taken it over, must not make the gateway call itself (its own API answers there with the
 * trust of its network), nor link-local addresses, where routers and hosts keep what is meant for their own machines
 * alone (RFC 3927, RFC 4291 2.5.6).
 *
 * A name is looked up, and each of its addresses must pass; the answer holds for the moment of the check. `demandGivenAddress`
 * belongs where parameters that the cloud has sent are about to be handed to `Devices.create` or `Devices.patch`.
 */
import { promises as dns } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { GatewayError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';

const LOOKUP_MAX_MS = 5_000;

/** Never a device of the premises: this host, link-local, multicast, and what stands for "any". */
const NEVER = new BlockList();
NEVER.addSubnet('0.0.0.0', 8, 'ipv4');
NEVER.addSubnet('127.0.0.0', 8, 'ipv4');
NEVER.addSubnet('169.254.0.0', 16, 'ipv4');
NEVER.addSubnet('224.0.0.0', 3, 'ipv4');
NEVER.addAddress('::', 'ipv6');
NEVER.addAddress('::1', 'ipv6');
NEVER.addSubnet('fe80::', 10, 'ipv6');
NEVER.addSubnet('ff00::', 8, 'ipv6');

export interface NetworkView {
  /** The addresses of this box. */
  own: () => readonly string[];
  /** The addresses of a name. */
  resolve: (name: string) => Promise<readonly string[]>;
}

const systemView: NetworkView = {
  own: () =>
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address),
  resolve: async (name) => (await dns.lookup(name, { all: true })).map(({ address }) => address),
};

/**
 * Checks the `hostname` among a device's parameters; without one there is nothing to check.
 * @throws GatewayError badRequest, also for a name that cannot be looked up within 5 s
 */
export async function demandGivenAddress(
  parameters: JsonObject,
  view: NetworkView = systemView,
): Promise<void> {
  const { hostname } = parameters;
  if (typeof hostname !== 'string') return;
  const addresses = isIP(hostname) === 0 ? await resolved(hostname, view) : [hostname];
  const own = new BlockList();
  for (const address of view.own()) own.addAddress(address, familyOf(address));
  for (const address of addresses) {
    if (own.check(address, familyOf(address))) throw refused(hostname, address, 'the gateway itself');
    if (isNever(address)) throw refused(hostname, address, 'no address of a device in the network');
  }
}

async function resolved(name: string, view: NetworkView): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the name server does not answer')), LOOKUP_MAX_MS);
  });
  try {
    return await Promise.race([view.resolve(name), late]);
  } catch (cause) {
    throw new GatewayError('badRequest', `the name "${name}" cannot be looked up here`, {
      hint: 'an IP address works without DNS',
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** An IPv4 address within an IPv6 one (`::ffff:127.0.0.1`) counts as what it is. */
function isNever(address: string): boolean {
  return isIP(address) === 0 || NEVER.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

function refused(hostname: string, address: string, what: string): GatewayError {
  const place = hostname === address ? hostname : `${hostname} (${address})`;
  return new GatewayError('badRequest', `parameters: "hostname" ${place} is ${what}`, {
    errors: [{ field: 'hostname', message: `is ${what}` }],
    hint: 'a device at such an address can be created on the premises only',
  });
}
