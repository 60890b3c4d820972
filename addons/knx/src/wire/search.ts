/** Finding servers (KNX standard, 03_08_02 Core, 7.6 and 7.5.4): SEARCH_REQUEST, and what its answer describes. */
import { decodeEndpoint, type Endpoint, encodeEndpoint, encodeFrame, SERVICE } from './ip-frame.ts';

const DIB_DEVICE = 0x01;
const DIB_SERVICES = 0x02;
const DEVICE_BYTES = 54;
const FAMILY = { 4: 'tunnelling', 5: 'routing', 9: 'secure' } as const;
export type ServiceFamily = (typeof FAMILY)[keyof typeof FAMILY];

export interface FoundServer {
  endpoint: Endpoint;
  name: string;
  individualAddress: number;
  services: ServiceFamily[];
  /** Core version 2 and up speaks TCP too. */
  coreVersion: number;
}

export function searchRequest(answerTo: Endpoint): Buffer {
  return encodeFrame(SERVICE.searchRequest, encodeEndpoint(answerTo, 'udp'));
}

/** Body of a SEARCH_RESPONSE. */
export function parseSearchResponse(body: Buffer): FoundServer | undefined {
  const endpoint = decodeEndpoint(body);
  if (endpoint === undefined) return undefined;
  const found: FoundServer = { endpoint, name: '', individualAddress: 0, services: [], coreVersion: 1 };
  for (const block of blocksOf(body.subarray(8))) describe(found, block);
  return found;
}

/** Description information blocks: length, type, content. A broken one ends the list. */
function* blocksOf(bytes: Buffer): Generator<Buffer> {
  let rest = bytes;
  while (rest.length >= 2) {
    const length = rest[0] as number;
    if (length < 2 || length > rest.length) return;
    yield rest.subarray(0, length);
    rest = rest.subarray(length);
  }
}

function describe(found: FoundServer, block: Buffer): void {
  if (block[1] === DIB_DEVICE && block.length >= DEVICE_BYTES) {
    found.individualAddress = block.readUInt16BE(4);
    found.name = block.subarray(24, DEVICE_BYTES).toString('latin1').replace(/\0.*$/s, '').trim();
  }
  if (block[1] !== DIB_SERVICES) return;
  for (let at = 2; at + 1 < block.length; at += 2) {
    const family = FAMILY[block[at] as keyof typeof FAMILY];
    if (family !== undefined) found.services.push(family);
    if (block[at] === 0x02) found.coreVersion = block[at + 1] as number;
  }
}
