/** Protocols as the API lists them. */
import { GatewayError } from '../model/error.ts';
import type { GatewayClient } from './gateway-client.ts';

export const PROTOCOLS = '/device/v1/protocols';

export interface ListedProtocol {
  id: string;
  name: string;
  slug: string;
  status: string;
  state: string;
  reason?: string;
  version: string;
  actions?: Record<string, unknown>;
}

export function listProtocols(client: GatewayClient): Promise<ListedProtocol[]> {
  return client.get<ListedProtocol[]>(PROTOCOLS);
}

/** @throws GatewayError notFound, saying which there are */
export async function namedProtocol(client: GatewayClient, named: string): Promise<ListedProtocol> {
  const protocols = await listProtocols(client);
  const found = protocols.find(({ id, slug }) => id === named || slug === named);
  if (found) return found;
  const there = protocols.map(({ slug }) => slug).join(', ');
  throw new GatewayError('notFound', `there is no protocol "${named}"`, { hint: `there are ${there}` });
}
