import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { systemClock } from '@gate/addon-sdk';
import { parseBody } from '../../../addons/http/src/exchange-answer.ts';
import { HttpExchange } from '../../../addons/http/src/http-exchange.ts';
import type { HttpAddress } from '../../../addons/http/src/http-parameters.ts';
import { ManualClock, until } from './manual-clock.ts';

const GET = { method: 'GET', path: '/status', deadlineMs: 10_000 } as const;

describe('an exchange with an HTTP device', () => {
  let exchange: HttpExchange;
  let clock: ManualClock;
  const servers: (Server | TcpServer)[] = [];

  beforeEach(() => {
    clock = new ManualClock();
    exchange = new HttpExchange(clock);
  });

  afterEach(async () => {
    exchange.close();
    for (const server of servers.splice(0)) {
      const closed = once(server, 'close');
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    }
  });

  async function listen(server: Server | TcpServer): Promise<HttpAddress> {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { protocol: 'http', hostname: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }
  const serve = (listener: RequestListener) => listen(createServer(listener));

  it('brings back status, content type, text and the moment of arrival', async () => {
    const address = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/json' });
      response.end('{"temperature":21.5}');
    });
    const answer = await exchange.ask(address, GET);
    assert.deepEqual([answer.status, answer.contentType, answer.ts], [200, 'text/json', clock.now()]);
    assert.deepEqual(parseBody(answer), { temperature: 21.5 });
  });

  it('sends method, query and body as they are, and asks for no compression', async () => {
    const seen: unknown[] = [];
    const address = await serve(async (request, response) => {
      const chunks = await request.toArray();
      const { method, url, headers } = request;
      seen.push(
        method,
        url,
        headers['accept-encoding'],
        headers['content-type'],
        Buffer.concat(chunks).toString(),
      );
      response.end('{}');
    });
    await exchange.ask(address, { method: 'PUT', path: '/x?a=1', body: { on: true }, deadlineMs: 1_000 });
    assert.deepEqual(seen, ['PUT', '/x?a=1', 'identity', 'application/json', '{"on":true}']);
  });

  it('keeps a connection for polls, and opens another one when the device has closed it', async () => {
    let connections = 0;
    const server = createServer({ keepAlive: true }, (_, response) => response.end('1'));
    server.on('connection', () => {
      connections += 1;
    });
    const address = await listen(server);
    await exchange.ask(address, { ...GET, reuse: true });
    await exchange.ask(address, { ...GET, reuse: true });
    assert.equal(connections, 1);
    server.closeAllConnections();
    assert.equal((await exchange.ask(address, { ...GET, reuse: true })).text, '1');
    assert.equal(connections, 2);
  });

  it('follows no redirect, but brings it back', async () => {
    let elsewhere = 0;
    const other = await serve((_, response) => {
      elsewhere += 1;
      response.end('{}');
    });
    const address = await serve((_, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${other.port}/` });
      response.end();
    });
    const answer = await exchange.ask(address, GET);
    assert.deepEqual([answer.status, answer.location], [302, `http://127.0.0.1:${other.port}/`]);
    assert.equal(elsewhere, 0);
  });

  it('refuses an answer that says it is too large, before it comes', async () => {
    const address = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 * 1024 * 1024 });
      response.write('{');
    });
    await assert.rejects(exchange.ask(address, GET), { code: 'tooLarge' });
  });

  it('breaks off an answer that never ends', async () => {
    let written = 0;
    const address = await serve((_, response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const more = () => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    await assert.rejects(exchange.ask(address, GET), { code: 'tooLarge' });
    assert.ok(written < 50 * 1024 * 1024);
  });

  it('gives up at its deadline on a device that never answers', async () => {
    let asked = false;
    const address = await serve(() => {
      asked = true;
    });
    const answer = assert.rejects(exchange.ask(address, GET), { code: 'timeout' });
    await until(() => asked);
    await clock.advance(10_000);
    await answer;
  });

  it('gives up at its deadline on an answer that trickles', async () => {
    let asked = false;
    const address = await serve((_, response) => {
      response.write('[1,');
      asked = true;
    });
    const answer = assert.rejects(exchange.ask(address, GET), { code: 'timeout' });
    await until(() => asked);
    await clock.advance(10_000);
    await answer;
    assert.equal(clock.waiting, 0);
  });

  it('is called off by its signal', async () => {
    let asked = false;
    const address = await serve(() => {
      asked = true;
    });
    const abort = new AbortController();
    const answer = assert.rejects(exchange.ask(address, { ...GET, signal: abort.signal }));
    await until(() => asked);
    abort.abort();
    await answer;
    assert.equal(clock.waiting, 0);
  });

  it('says that a device broke off in the middle of its answer', async () => {
    const address = await serve((request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"a":', () => request.socket.destroy());
    });
    await assert.rejects(exchange.ask(address, GET), { code: 'brokenAnswer' });
  });

  it('tells a refused connection, an unknown name, another protocol and a failed handshake apart', async () => {
    const closed = await serve(() => undefined);
    const [server] = servers.splice(0) as [Server];
    server.close();
    await once(server, 'close');
    await assert.rejects(exchange.ask(closed, GET), {
      code: 'unreachable',
      message: /refused the connection/,
    });

    const unknown = { ...closed, hostname: 'no-such-device.invalid' };
    await assert.rejects(new HttpExchange(systemClock).ask(unknown, GET), { code: 'unresolved' });

    const ssh = await listen(createTcpServer((socket) => socket.resume().end('SSH-2.0-OpenSSH_9.2\r\n')));
    await assert.rejects(exchange.ask(ssh, GET), { code: 'brokenAnswer' });

    const plain = await serve((_, response) => response.end('{}'));
    await assert.rejects(exchange.ask({ ...plain, protocol: 'https' }, GET), { code: 'tls' });
  });

  it('names what came where JSON was expected', async () => {
    const address = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(`<!DOCTYPE html>${'x'.repeat(5_000)}`);
    });
    const answer = await exchange.ask(address, GET);
    const isClear = (error: Error) =>
      error.message.includes('200, text/html') &&
      error.message.includes('<!DOCTYPE') &&
      error.message.length < 200;
    assert.throws(() => parseBody(answer), isClear);
  });
});
