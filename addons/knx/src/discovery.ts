/** Looks for KNXnet/IP servers: SEARCH_REQUEST to the discovery multicast, on every IPv4 network of this box. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { ScanCandidate } from '@gate/addon-sdk';
import { formatIndividualAddress } from './wire/address.ts';
import { decodeFrame, type Endpoint, SERVICE } from './wire/ip-frame.ts';
import { type FoundServer, parseSearchResponse, searchRequest } from './wire/search.ts';

/** 03_08_02 Core, 2.4: the setup multicast of every KNXnet/IP server. */
export const DISCOVERY: Endpoint = { host: '224.0.23.12', port: 3_671 };
/** Servers answer within SEARCH_TIMEOUT (10 s); gate waits 10 s in all. */
const LISTEN_MS = 3_000;
const ASK_AGAIN_MS = 1_000;
const SERVERS_MAX = 200;

/** What a server is installed with (`parameters`), the best first. */
export async function scanForServers(
  signal: AbortSignal,
  { discovery = DISCOVERY, listenMs = LISTEN_MS } = {},
): Promise<ScanCandidate[]> {
  const found = new Map<string, FoundServer>();
  const sockets = await Promise.all(ownAddresses().map((address) => openSearch(address, found)));
  try {
    const endsMs = performance.now() + listenMs;
    // multicast is not repeated by anybody else, and a radio loses it easily
    while (performance.now() < endsMs && !signal.aborted) {
      for (const each of sockets) each?.ask(discovery);
      await pause(Math.min(ASK_AGAIN_MS, listenMs), undefined, { signal }).catch(() => undefined);
    }
  } finally {
    for (const each of sockets) each?.socket.close();
  }
  return [...found.values()].map(candidateOf);
}

function candidateOf({
  endpoint,
  name,
  individualAddress,
  services,
  coreVersion,
}: FoundServer): ScanCandidate {
  const tunnels = services.includes('tunnelling');
  const notes = [
    formatIndividualAddress(individualAddress),
    ...services.map((service) => (service === 'secure' ? 'KNX IP Secure: not supported' : service)),
    ...(coreVersion >= 2 ? ['TCP'] : []),
  ];
  const parameters = tunnels
    ? { ip_address: endpoint.host, port: endpoint.port }
    : { ip_address: DISCOVERY.host, port: DISCOVERY.port, transport: 'routing' };
  const label = `KNXnet/IP server "${name}" at ${endpoint.host}:${endpoint.port} (${notes.join(', ')})`;
  return { label: label.slice(0, 200), parameters };
}

async function openSearch(
  host: string,
  found: Map<string, FoundServer>,
): Promise<{ socket: Socket; ask: (to: Endpoint) => void } | undefined> {
  const socket = createSocket('udp4');
  // a network without multicast has no servers that can be found
  socket.on('error', () => undefined);
  try {
    socket.bind(0, host);
    await once(socket, 'listening');
    socket.setMulticastInterface(host);
  } catch {
    socket.close();
    return undefined;
  }
  socket.on('message', (bytes) => {
    const frame = decodeFrame(bytes);
    const server = frame?.service === SERVICE.searchResponse ? parseSearchResponse(frame.body) : undefined;
    if (server === undefined || found.size >= SERVERS_MAX) return;
    found.set(`${server.endpoint.host}:${server.endpoint.port}`, server);
  });
  const request = searchRequest({ host, port: socket.address().port });
  return { socket, ask: (to) => socket.send(request, to.port, to.host, () => undefined) };
}

/** Loopback too: a server may run on this very box. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
}
