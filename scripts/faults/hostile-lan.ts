/** What somebody on the same network may do to the API, without a token. Each returns how often it was done. */
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import type { Random } from './random.ts';
import { demand } from './scenario.ts';

/** The addresses of loopback that the hostile use; others are those of good neighbours. */
const HOSTILE = '127.0.0.66';
const SLOW = '127.0.0.67';
const SOCKETS = 10_000;
const AT_ONCE = 500;
const SLOW_CONNECTIONS = 100;
const SLOW_BYTE_MS = 1_000;
/** Headers may take 10 s and a whole request 30 s; that is looked at every 5 s. */
const SLOW_ENDS_MS = 45_000;
const FUZZES = 400;
const HANDSHAKES_AT_ONCE = 50;
/** As the rate limit has it without a token: 20 a second, and those of 20 s at once. */
const RATE = 20;
const BURST = 400;
const ANSWER_MS = 15_000;

export interface LanAttack {
  random: Random;
  port: number;
  socketPath: string;
  projectId: string;
  forMs: number;
}

/** Held open, and silent; a good neighbour of another address has to be answered all the same. */
export async function takesSockets({ port, forMs }: LanAttack): Promise<number> {
  const held: Socket[] = [];
  try {
    while (held.length < SOCKETS) {
      for (let n = 0; n < AT_ONCE; n += 1) held.push(opened(port, HOSTILE));
      await pause(20);
    }
    await pause(Math.min(forMs, 1_000));
    const { status } = await asked(port, '/health/live');
    demand(
      status === 200,
      `with ${SOCKETS} sockets of somebody else open, a neighbour was answered ${status}`,
    );
  } finally {
    for (const socket of held) socket.destroy();
  }
  return held.length;
}

/** Byte by byte: headers, and the body of a request; the gateway has to end them all. */
export async function sendsSlowly({ port }: LanAttack): Promise<number> {
  const body = 'POST /device/v1/devices HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999\r\n\r\n{';
  const held = Array.from({ length: SLOW_CONNECTIONS }, (_, n) => {
    const socket = opened(port, SLOW);
    socket.write(n % 2 === 0 ? 'GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n' : body);
    const drip = setInterval(() => socket.write(n % 2 === 0 ? 'x' : ' '), SLOW_BYTE_MS);
    socket.on('close', () => clearInterval(drip));
    socket.resume();
    return socket;
  });
  try {
    const openOnes = () => held.filter(({ closed }) => !closed).length;
    await until('who sends slowly is cut', () => openOnes() === 0, SLOW_ENDS_MS);
  } finally {
    for (const socket of held) socket.destroy();
  }
  return held.length;
}

const PATHS = [
  '/',
  '//',
  '/device/v1/devices',
  '/device/v1/devices/%00',
  '/device/v1/devices/..%2f..%2fetc/data',
];
const METHODS = ['GET', 'POST', 'PATCH', 'PUT', 'HEAD', 'OPTIONS', 'TRACE', 'GE T', 'get'];

/** Requests that are none, over the LAN and over the Unix socket, where no limit stands before the routes. */
export async function fuzzes({ random, port, socketPath }: LanAttack): Promise<number> {
  for (let n = 0; n < FUZZES; n += 1) {
    const head = `${random.pick(METHODS)} ${random.next() < 0.5 ? random.pick(PATHS) : `/${noise(random, 40)}`} HTTP/1.1`;
    const body = random.next() < 0.5 ? '{"name":' : noise(random, 200);
    const length = random.next() < 0.8 ? String(Buffer.byteLength(body)) : noise(random, 5);
    const type = random.pick(['application/json', 'text/plain', noise(random, 10)]);
    const text = `${head}\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: ${type}\r\n${noise(random, 10)}: ${noise(random, 30)}\r\nContent-Length: ${length}\r\n\r\n${body}`;
    const socket = n % 2 === 0 ? opened(port, HOSTILE) : quiet(connect(socketPath));
    const answer = await said(socket, text);
    demand(
      !/^HTTP\/1.1 5(?!03)/.test(answer),
      () => `${JSON.stringify(text.slice(0, 300))} was answered ${answer}`,
    );
  }
  return FUZZES;
}

/** Frames that are none, on a WebSocket that was opened well. */
export async function breaksFrames({ random, socketPath, projectId }: LanAttack): Promise<number> {
  const tries = FUZZES / 10;
  for (let n = 0; n < tries; n += 1) {
    const path = n % 2 === 0 ? `/?project=${projectId}` : '/socket.io/?EIO=4&transport=websocket';
    const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13';
    const text = `GET ${path} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    const socket = quiet(connect(socketPath));
    const opening = new Promise<string>((resolve) =>
      socket.once('data', (chunk) => resolve(chunk.toString())),
    );
    socket.write(text);
    const answer = await Promise.race([opening, pause(ANSWER_MS, 'nothing')]);
    demand(answer.includes(' 101 '), `a WebSocket was not opened: ${answer}`);
    socket.write(Buffer.from(Array.from({ length: random.whole(2, 300) }, () => random.whole(0, 256))));
    await Promise.race([new Promise((resolve) => socket.once('close', resolve)), pause(100)]);
    socket.destroy();
  }
  return tries;
}

/** Sessions of socket.io that nobody goes on with. */
export async function opensSessions({ port, forMs }: LanAttack): Promise<number> {
  const startedAt = performance.now();
  let opened = 0;
  let refused = 0;
  while (performance.now() < startedAt + forMs) {
    const path = '/socket.io/?EIO=4&transport=polling';
    const answers = await Promise.all(
      Array.from({ length: HANDSHAKES_AT_ONCE }, () => asked(port, path, HOSTILE)),
    );
    opened += answers.filter(({ status }) => status === 200).length;
    refused += answers.filter(({ status }) => status === 429).length;
  }
  const most = BURST + (RATE * (performance.now() - startedAt)) / 1_000 + 1;
  demand(opened <= most, `${opened} sessions were opened by one address, and ${Math.round(most)} may be`);
  demand(refused > 0, 'no handshake of a storm was refused');
  return opened + refused;
}

/** Opens WebSockets and never reads what comes. @returns them, to be looked at later */
export function readsNothing({ port, projectId }: LanAttack, count: number): Socket[] {
  return Array.from({ length: count }, () => {
    const socket = opened(port, HOSTILE);
    const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13';
    socket.write(
      `GET /?project=${projectId} HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgrade}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    socket.pause();
    return socket;
  });
}

const opened = (port: number, localAddress: string) =>
  quiet(connect({ host: '127.0.0.1', port, localAddress }));

function quiet(socket: Socket): Socket {
  return socket.on('error', () => undefined);
}

/** All that is answered until the end of the connection; nothing where it ends without a word. */
function said(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const late = setTimeout(() => {
      socket.destroy();
      // a request whose body is not whole may be waited for: that is `sendsSlowly`
      resolve(answer);
    }, 200);
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.on('close', () => {
      clearTimeout(late);
      resolve(answer);
    });
    socket.write(text, 'latin1', (error) => error && !answer && reject);
  });
}

function asked(port: number, path: string, localAddress = '127.0.0.1'): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, localAddress, agent: false, timeout: ANSWER_MS },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0 }));
      },
    );
    outgoing.on('timeout', () =>
      outgoing.destroy(new Error(`${path} was not answered within ${ANSWER_MS} ms`)),
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function noise(random: Random, max: number): string {
  return Array.from({ length: random.whole(1, max) }, () => String.fromCharCode(random.whole(33, 256))).join(
    '',
  );
}
