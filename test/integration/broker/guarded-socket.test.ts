import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { GuardedSocket } from '../../../src/broker/packet-guard.ts';

describe('a guarded socket', () => {
  let server: Server;
  let guarded: Promise<GuardedSocket>;
  let peer: Socket;

  beforeEach(async () => {
    server = createServer();
    guarded = new Promise((resolve) =>
      server.once('connection', (socket) => resolve(new GuardedSocket(socket, 1_000))),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    peer = connect((server.address() as { port: number }).port, '127.0.0.1');
    peer.on('error', () => undefined);
  });
  afterEach(async () => {
    peer.destroy();
    (await guarded).destroy();
    server.close();
  });

  it('ends a connection on which nothing is heard', async () => {
    const socket = await guarded;
    const ended = new Promise<Error>((resolve) => socket.once('error', resolve));
    socket.resume();
    socket.expectWithin(30);
    assert.match((await ended).message, /nothing was heard for 30 ms/);
  });

  it('holds the silence against nobody while it is not read from, and again afterwards', async () => {
    const socket = await guarded;
    let error: Error | undefined;
    socket.once('error', (fault) => {
      error = fault;
    });
    // enough to fill it: many small packets
    for (let n = 0; n < 2_000; n += 1)
      peer.write(Buffer.concat([Buffer.from([0x30, 0x64]), Buffer.alloc(100)]));
    await new Promise<void>((resolve) => socket.once('readable', () => resolve()));
    socket.expectWithin(20);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(error, undefined);
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await ended;
    assert.match(String((error as Error | undefined)?.message), /nothing was heard/);
  });

  it('passes on what is written to it', async () => {
    const heard: Buffer[] = [];
    peer.on('data', (chunk) => heard.push(chunk));
    const ended = new Promise((resolve) => peer.once('end', resolve));
    const socket = await guarded;
    socket.cork();
    socket.write('a');
    socket.write('b');
    socket.uncork();
    socket.end('c');
    await ended;
    assert.equal(Buffer.concat(heard).toString(), 'abc');
  });
});
