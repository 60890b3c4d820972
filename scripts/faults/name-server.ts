/** A name server that knows one name, IPv4 alone, as far as a resolver asks (RFC 1035, 4.1). */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const PORT = 53;
const HEADER_BYTES = 12;
/** A response, to a recursive query, of a server that recurses. */
const ANSWERS = 0x8180;
const TYPE_A = 1;
const NO_SUCH_NAME = 3;

/** Of its name: where it is; that there is none; nothing at all, though somebody is there. */
export type NameAnswer = 'address' | 'noSuchName' | 'nothing';

export class NameServer {
  answers: NameAnswer = 'address';
  readonly #host: string;
  readonly #name: string;
  readonly #address: string;
  #socket: Socket | undefined;

  constructor({ host, name, address }: { host: string; name: string; address: string }) {
    this.#host = host;
    this.#name = name;
    this.#address = address;
  }

  /** Also again, after `stop`. */
  async start(): Promise<void> {
    const socket = createSocket('udp4');
    socket.on('message', (query, { port, address }) => {
      const answer = this.#answer(query);
      if (answer) socket.send(answer, port, address);
    });
    socket.bind(PORT, this.#host);
    await once(socket, 'listening');
    this.#socket = socket;
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.close();
    await once(socket, 'close');
  }

  #answer(query: Buffer): Buffer | undefined {
    if (query.length < HEADER_BYTES + 5) return undefined;
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const end = at + 5;
    const isOurs = labels.join('.').toLowerCase() === this.#name;
    if (this.answers === 'nothing') return undefined;
    const isKnown = isOurs && this.answers === 'address';
    const isAnswered = isKnown && query.readUInt16BE(at + 1) === TYPE_A;
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(ANSWERS | (isKnown ? 0 : NO_SUCH_NAME), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(isAnswered ? 1 : 0, 6);
    const question = query.subarray(HEADER_BYTES, end);
    if (!isAnswered) return Buffer.concat([header, question]);
    // the name by a pointer to the question; A, IN, kept for no time, four bytes
    const answer = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4]);
    return Buffer.concat([header, question, answer, Buffer.from(this.#address.split('.').map(Number))]);
  }
}
