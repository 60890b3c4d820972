/**
 * What makes this box's Zigbee network its own: key, PAN ids, channel. Generated once, never a default, kept 0600 in the
 * add-on's folder, and told to nobody.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { readDurably, writeDurably } from './durable-file.ts';
import { RadioTrouble } from './radio-trouble.ts';

export interface NetworkIdentity {
  /** 16 bytes, hexadecimal. */
  networkKey: string;
  /** 1 to 0xfffe. */
  panId: number;
  /** 8 bytes, hexadecimal. */
  extendedPanId: string;
  /** 11 to 26: the one that the network was made on, or moved to. */
  channel: number;
  /** Milliseconds since 1970; absent before the network was made on a stick. */
  formedAt?: number;
  /** A move to this channel was asked for and is not done yet. */
  movedTo?: number;
  /** Where a person has moved it; counts while the settings still name the channel that they named then. */
  chosen?: { channel: number; over: number };
  /** The stick's stable path, for the day on which its port has another name. */
  stablePort?: string;
}

export class IdentityFile {
  readonly #path: string;
  readonly #onDamage: (message: string) => void;

  /** @param onDamage told in words when the file was damaged, and its previous copy takes its place */
  constructor(folder: string, onDamage: (message: string) => void = () => undefined) {
    this.#path = join(folder, 'network.json');
    this.#onDamage = onDamage;
  }

  /** What is kept, or a new one, kept from now on. @throws RadioTrouble when the file is damaged beyond its previous copy */
  load(channel: number): NetworkIdentity {
    const kept = this.peek();
    if (kept) return kept;
    const fresh = newIdentity(channel);
    this.save(fresh);
    return fresh;
  }

  /** What is kept, if anything. @throws RadioTrouble as `load` does */
  peek(): NetworkIdentity | undefined {
    try {
      return readDurably(this.#path, parseIdentity, this.#onDamage);
    } catch (error) {
      throw new RadioTrouble(
        'networkUnreadable',
        (error as Error).message,
        'restore a backup of the gateway; or remove it with its .previous to begin a new network, for which every device has to be paired again',
        error,
      );
    }
  }

  save(identity: NetworkIdentity): void {
    writeDurably(this.#path, `${JSON.stringify({ ...identity, sum: sumOf(identity) }, null, 2)}\n`);
  }
}

/** A digit of the key that is another one is a key all the same. */
function sumOf(identity: object): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}

/** The channel that is wanted by now: that of the settings, unless the network was moved by name since. */
export function wantedChannel({ chosen }: NetworkIdentity, configured: number): number {
  return chosen?.over === configured ? chosen.channel : configured;
}

export function newIdentity(channel: number): NetworkIdentity {
  return {
    networkKey: randomBytes(16).toString('hex'),
    panId: randomInt(1, 0xfff0),
    extendedPanId: randomBytes(8).toString('hex'),
    channel,
  };
}

export function parseIdentity(text: string): NetworkIdentity {
  const { sum, ...read } = parsedJson(text);
  const { networkKey = '', panId = 0, extendedPanId = '', channel = 0 } = read;
  const isWhole =
    /^[\da-f]{32}$/.test(networkKey) &&
    /^[\da-f]{16}$/.test(extendedPanId) &&
    Number.isInteger(panId) &&
    panId >= 1 &&
    panId <= 0xfffe &&
    Number.isInteger(channel) &&
    channel >= 11 &&
    channel <= 26;
  // its content stays out of the message: it is a secret
  if (!isWhole || (sum !== undefined && sum !== sumOf(read)))
    throw new Error('it does not hold a whole network');
  return { ...read, networkKey, panId, extendedPanId, channel };
}

function parsedJson(text: string): Partial<NetworkIdentity> & { sum?: string } {
  try {
    return JSON.parse(text);
  } catch {
    // its own words would quote the content
    throw new Error('it is no JSON');
  }
}
