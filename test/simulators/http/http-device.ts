/**
 * What simulated HTTP devices have in common: an address that may change, a clock that a reboot begins anew, mDNS, and
 * what may be wrong with any of them (`fault`). Each family is a class of its own, written from its maker's published API.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AnnouncedService, MdnsResponder } from './mdns-responder.ts';

/**
 * `slow`: every answer takes `slowMs` · `hanging`: none ever comes · `half`: the connection breaks within the answer ·
 * `wrongType`: a web page · `unauthorized`: 401, whatever the login · `failing`: 500 with words of its own
 */
export type HttpFault = 'none' | 'slow' | 'hanging' | 'half' | 'wrongType' | 'unauthorized' | 'failing';

export interface HttpDeviceOptions {
  /** Twelve hexadecimal digits, capitals. */
  mac: string;
  /** Milliseconds since 1970. */
  now?: () => number;
}

export interface DeviceRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  /** The parsed body, where there is one in JSON. */
  body: unknown;
  headers: IncomingMessage['headers'];
  url: string;
}

export interface DeviceReply {
  status?: number;
  headers?: Record<string, string>;
  /** Text is sent as it is. */
  body: unknown;
}

const BODY_MAX_BYTES = 16_384;

export abstract class HttpDevice {
  fault: HttpFault = 'none';
  slowMs = 2_000;
  /** Requests it has been sent: method and path. */
  readonly requests: string[] = [];
  readonly mac: string;
  protected readonly now: () => number;
  #bootedAtMs: number;
  #server: Server | undefined;
  #place: { host: string; port: number } | undefined;
  #responder: MdnsResponder | undefined;

  constructor({ mac, now = Date.now }: HttpDeviceOptions) {
    this.mac = mac;
    this.now = now;
    this.#bootedAtMs = now();
  }

  /** What it announces in the network. */
  protected abstract services(): AnnouncedService[];
  protected abstract answer(request: DeviceRequest): DeviceReply;

  /** Listens on `host`, any address of 127.0.0.0/8. @returns the port */
  async start(port = 0, host = '127.0.0.1'): Promise<number> {
    const server = createServer((request, response) => {
      // a caller that goes away in the middle is no fault of the device
      this.#serve(request, response).catch(() => response.destroy());
    });
    server.listen(port, host);
    await once(server, 'listening');
    this.#server = server;
    this.#place = { host, port: (server.address() as AddressInfo).port };
    return this.#place.port;
  }

  /** Tells the network that it is there, and answers who asks for it. `network`: as `MdnsResponder` has it. */
  announce(network?: string): void {
    const place = () => (this.#place ? { ...this.#place, services: this.services() } : undefined);
    this.#responder ??= new MdnsResponder(place, network);
  }

  get port(): number {
    if (!this.#place) throw new Error('the device is off');
    return this.#place.port;
  }

  get uptimeSeconds(): number {
    return Math.floor((this.now() - this.#bootedAtMs) / 1_000);
  }

  /** The router gives it another address: the old one is dead. */
  async moveTo(host: string): Promise<void> {
    const { port } = this;
    await this.#close();
    await this.start(port, host);
  }

  /** Power fails and comes back: its uptime begins anew. */
  reboot(): void {
    this.#bootedAtMs = this.now();
  }

  async stop(): Promise<void> {
    this.#responder?.stop();
    this.#responder = undefined;
    await this.#close();
  }

  async #close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    this.#place = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const { fault } = this;
    const { method = 'GET', url = '/', headers } = request;
    const { pathname: path, searchParams: query } = new URL(url, 'http://device');
    this.requests.push(`${method} ${url}`);
    if (fault === 'hanging') return;
    if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, this.slowMs));
    if (fault === 'wrongType')
      return send(response, { headers: { 'content-type': 'text/html' }, body: '<!DOCTYPE html>' });
    if (fault === 'unauthorized') return send(response, { status: 401, body: 'Unauthorized' });
    if (fault === 'failing') return send(response, { status: 500, body: 'brownout' });
    const reply = this.answer({ method, path, query, body: await readBody(request), headers, url });
    if (fault === 'half') {
      const text = JSON.stringify(reply.body);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
      response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
      return;
    }
    send(response, reply);
  }
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: DeviceReply): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_MAX_BYTES) throw new Error('too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
