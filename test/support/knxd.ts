/**
 * A real KNXnet/IP server, knxd, with a bus that takes everything; `knxtool` is the other side of it. On a free port,
 * in a folder of its own, with as many tunnels as the test wants.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { tempFolder } from './temp-folder.ts';
import { until } from './until.ts';

const run = promisify(execFile);
/** Written to find out whether somebody listens; no test uses it. */
const PROBE = '31/7/255';
/** Where servers are searched for, and where routing happens. */
export const KNX_MULTICAST = '224.0.23.12';

export interface KnxdOptions {
  /** Addresses for clients: tunnels, and each knxtool takes one of them for as long as it runs. */
  slots?: number;
  port?: number;
  /** Telegrams go out by multicast too, 50 a second. */
  routing?: boolean;
  /** Not to be found from other machines. */
  onLoopback?: boolean;
  /** The network device that it belongs to, in place of that of the default route. */
  device?: string;
  /** As it calls itself when it is searched for. */
  name?: string;
}

/** What `knxtool groupsocketlisten` prints of a telegram: "Write from 0.0.3 to 1/0/0: 01". */
export interface HeardTelegram {
  service: 'Write' | 'Read' | 'Response';
  source: string;
  destination: string;
  /** In hexadecimal, without spaces. */
  value: string;
}

export class Knxd {
  readonly port: number;
  readonly #slots: number;
  readonly #routing: boolean;
  readonly #device: string;
  readonly #name: string;
  readonly #folder = tempFolder();
  readonly #tools = new Set<ChildProcess>();
  #process: ChildProcess | undefined;

  private constructor({ port, slots, routing, device, name }: Required<Omit<KnxdOptions, 'onLoopback'>>) {
    this.port = port;
    this.#slots = slots;
    this.#routing = routing;
    this.#device = device;
    this.#name = name;
  }

  static async start({
    slots = 8,
    port,
    routing = false,
    onLoopback = false,
    device = onLoopback ? 'lo' : '',
    name = 'knxd',
  }: KnxdOptions = {}): Promise<Knxd> {
    const knxd = new Knxd({ port: port ?? (await freeUdpPort()), slots, routing, device, name });
    await knxd.start();
    return knxd;
  }

  get #socketPath(): string {
    return join(this.#folder.path, 'eib');
  }

  async start(): Promise<void> {
    const places = ['-n', this.#name, '-e', '0.0.1', '-E', `0.0.2:${this.#slots}`, `-u${this.#socketPath}`];
    const services = this.#routing ? ['-D', '-T', '-R'] : ['-D', '-T'];
    const network = this.#device === '' ? [] : ['-I', this.#device];
    const server = [...services, ...network, `-S${KNX_MULTICAST}:${this.port}`, '-b', 'dummy:'];
    const child = spawn('knxd', [...places, ...server], { stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    this.#process = child;
    await until('knxd is up', async () => {
      if (child.exitCode !== null) throw new Error(`knxd ended with ${child.exitCode}: ${words}`);
      return existsSync(this.#socketPath) && (await answersSearch(this.port));
    });
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    for (const tool of this.#tools) tool.kill('SIGKILL');
    await this.#end('SIGTERM');
    this.#folder.remove();
  }

  /** `value`: up to 6 bits as a number, else bytes in hexadecimal. */
  async write(destination: string, value: number | string): Promise<void> {
    const short = typeof value === 'number';
    await this.#tool(short ? 'groupswrite' : 'groupwrite', destination, short ? value.toString(16) : value);
  }

  /** As a device does that is read. `knxtool groupresponse` fails with bytes, so this speaks knxd's own protocol. */
  async respond(destination: string, value: number | string): Promise<void> {
    const [main = 0, middle = 0, sub = 0] = destination.split('/').map(Number);
    const apdu = typeof value === 'number' ? Buffer.of(0, 0x40 | value) : Buffer.from(`0040${value}`, 'hex');
    const socket = connect(this.#socketPath);
    try {
      // EIB_OPEN_GROUPCON, then EIB_GROUP_PACKET, each behind its length
      socket.write(Buffer.of(0, 5, 0, 0x26, 0, 0, 0));
      await once(socket, 'data');
      const head = Buffer.of(0, 4 + apdu.length, 0, 0x27, (main << 3) | middle, sub);
      socket.end(Buffer.concat([head, apdu]));
      await once(socket, 'close');
    } finally {
      socket.destroy();
    }
  }

  async read(destination: string): Promise<void> {
    await this.#tool('groupread', destination);
  }

  /** Hears every telegram on the bus from now on. */
  async listen(): Promise<HeardTelegram[]> {
    const heard: HeardTelegram[] = [];
    let listening = false;
    const command = ['-oL', 'knxtool', 'groupsocketlisten', `local:${this.#socketPath}`];
    const child = spawn('stdbuf', command, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#tools.add(child);
    child.once('exit', () => this.#tools.delete(child));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const telegram = parseLine(line);
      if (telegram?.destination === PROBE) listening = true;
      else if (telegram) heard.push(telegram);
    });
    // its socket is open once it hears a telegram
    await until('knxtool listens', async () => {
      await this.write(PROBE, 0);
      return listening;
    });
    return heard;
  }

  /**
   * Answers each read of an address that `heard` has, as a device on the bus does, until the returned function is called.
   */
  answering(heard: readonly HeardTelegram[], destination: string, value: number | string): () => void {
    const reads = () =>
      heard.filter((each) => each.service === 'Read' && each.destination === destination).length;
    let answered = reads();
    const timer = setInterval(() => {
      if (reads() === answered) return;
      answered = reads();
      void this.respond(destination, value).catch(() => undefined);
    }, 10);
    return () => clearInterval(timer);
  }

  async #tool(applet: string, destination: string, value = ''): Promise<void> {
    const bytes = applet.startsWith('groups') || value === '' ? [value] : (value.match(/../g) ?? []);
    const parts = [applet, `local:${this.#socketPath}`, destination, ...bytes].filter((each) => each !== '');
    await run('knxtool', parts, { timeout: 5_000 });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}

function parseLine(line: string): HeardTelegram | undefined {
  const match = /^(Write|Read|Response) from (\S+) to ([\d/]+)(?::\s*(.*))?$/.exec(line.trim());
  if (!match) return undefined;
  const [, service, source = '', destination = '', value = ''] = match;
  return {
    service: service as HeardTelegram['service'],
    source,
    destination,
    value: value.replaceAll(' ', '').toLowerCase(),
  };
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Nobody has it, not even one who shares it. */
export async function isUdpPortFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind({ port, exclusive: true });
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

/** SEARCH_REQUEST with the answer to where it came from. */
async function answersSearch(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const own = socket.address().port;
    const endpoint = [8, 1, 127, 0, 0, 1, own >> 8, own & 255];
    socket.send(Buffer.from([6, 0x10, 0x02, 0x03, 0, 14, ...endpoint]), port, '127.0.0.1');
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(200) })) as [Buffer];
    return answer.readUInt16BE(2) === 0x0204;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
