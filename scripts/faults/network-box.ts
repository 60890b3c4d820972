/**
 * A network of two: this machine, where the cloud is, and a box in a network namespace of its own, where the gateway
 * runs. What goes wrong between them goes wrong for nobody else. The box asks a name server that is this machine's.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from '../bench/scope.ts';
import { missingPrograms } from '../peers/peers.ts';

/** What `ip netns exec` lays over /etc for the programs it starts. */
const OVER_ETC = '/etc/netns';

export function networkObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  const missing = missingPrograms('iproute2').concat(missingPrograms('iptables'));
  if (missing.length > 0)
    return `not installed: ${missing.join(', ')} (node scripts/peers.ts iproute2 iptables)`;
  const name = `gate-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'this machine makes no network namespaces';
  const probes = [
    ['ip', 'netns', 'exec', name, 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', ...rate(256)],
    ['ip', 'netns', 'exec', name, 'iptables', '-A', 'INPUT', '-p', 'tcp', '-j', 'ACCEPT'],
  ];
  const failed = probes.find(([program = '', ...words]) => spawnSync(program, words).status !== 0);
  spawnSync('ip', ['netns', 'del', name]);
  return failed && `this machine cannot do: ${failed.slice(4).join(' ')}`;
}

export class NetworkBox {
  /** Of this machine, as the box sees it. */
  readonly outside: string;
  /** Of the box; another one after `move`. */
  address: string;
  readonly #name: string;
  readonly #links: { outside: string; inside: string };
  readonly #net: string;
  #host = 2;

  private constructor() {
    this.#name = `gate-faults-${process.pid}`;
    this.#links = { outside: `gfo${process.pid}`, inside: `gfi${process.pid}` };
    // several suites may run at a time
    this.#net = `10.213.${process.pid % 256}`;
    this.outside = `${this.#net}.1`;
    this.address = `${this.#net}.${this.#host}`;
  }

  static make(scope: Scope): NetworkBox {
    const box = new NetworkBox();
    const { outside, inside } = box.#links;
    scope.defer(() => box.#remove());
    ip('netns', 'add', box.#name);
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', box.#name);
    ip('address', 'add', `${box.outside}/24`, 'dev', outside);
    ip('link', 'set', outside, 'up');
    box.inside('ip', 'link', 'set', 'lo', 'up');
    box.inside('ip', 'address', 'add', `${box.address}/24`, 'dev', inside);
    box.inside('ip', 'link', 'set', inside, 'up');
    mkdirSync(box.#etc, { recursive: true });
    writeFileSync(join(box.#etc, 'resolv.conf'), `nameserver ${box.outside}\n`);
    return box;
  }

  /** The network device of this machine that leads to it. */
  get device(): string {
    return this.#links.outside;
  }

  /** What a program is started by to run in it. */
  get within(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name];
  }

  inside(...words: readonly string[]): string {
    const [program = '', ...rest] = [...this.within, ...words];
    return execFileSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /**
   * Little goes through, late, and a part is lost: until `fast`. A kernel without netem delays by the queue before the
   * limited rate alone.
   * @returns the means, in words
   */
  slow({ delayMs, kbit, lostShare }: { delayMs: number; kbit: number; lostShare: number }): string {
    const device = ['dev', this.#links.inside, 'root'];
    const loss = ['-m', 'statistic', '--mode', 'random', '--probability', String(lostShare), '-j', 'DROP'];
    this.inside('iptables', '-A', 'INPUT', ...loss);
    const netem = ['netem', 'delay', `${delayMs}ms`, `${delayMs >> 2}ms`, 'rate', `${kbit}kbit`];
    const [program = '', ...words] = [...this.within, 'tc', 'qdisc', 'add', ...device, ...netem];
    const hasNetem = spawnSync(program, words).status === 0;
    if (!hasNetem) this.inside('tc', 'qdisc', 'add', ...device, ...rate(kbit));
    return `${kbit} kbit/s, ${lostShare * 100} % lost, ${hasNetem ? `${delayMs} ms late` : 'no netem here: late by its queue alone'}`;
  }

  fast(): void {
    this.inside('tc', 'qdisc', 'del', 'dev', this.#links.inside, 'root');
    this.inside('iptables', '-F', 'INPUT');
  }

  /** Connections to this port of this machine end at the next packet, and none can be made. */
  refuse(isRefused: boolean, port: number): void {
    const reset = ['-j', 'REJECT', '--reject-with', 'tcp-reset'];
    this.inside(
      'iptables',
      isRefused ? '-A' : '-D',
      'OUTPUT',
      '-p',
      'tcp',
      '--dport',
      String(port),
      ...reset,
    );
  }

  /** Whether packets from this port of this machine reach it; who sends them hears nothing of it. */
  drop(isDropped: boolean, port: number): void {
    const rule = ['INPUT', '-p', 'tcp', '--sport', String(port), '-j', 'DROP'];
    this.inside('iptables', isDropped ? '-A' : '-D', ...rule);
  }

  /** Whether there is a way to this machine. */
  cut(isCut: boolean): void {
    this.inside('ip', 'route', isCut ? 'add' : 'del', 'unreachable', this.outside);
  }

  /** From now on each try to connect to this port is counted, over UDP each packet. */
  count(port: number, protocol: 'tcp' | 'udp' = 'tcp'): void {
    const which = protocol === 'tcp' ? ['tcp', '--syn'] : ['udp'];
    this.inside('iptables', '-I', 'OUTPUT', '-p', ...which, '--dport', String(port));
  }

  /** So many were counted since `count` was last called, those that are repeated among them. */
  counted(): number {
    const rules = this.inside('iptables', '-L', 'OUTPUT', '-v', '-n', '-x').split('\n');
    return Number(rules[2]?.trim().split(/\s+/)[0]);
  }

  /** It gets another address, as from a DHCP server that has forgotten it. */
  move(): void {
    const before = this.address;
    this.#host += 1;
    this.address = `${this.#net}.${this.#host}`;
    const { inside } = this.#links;
    this.inside('ip', 'address', 'del', `${before}/24`, 'dev', inside);
    this.inside('ip', 'address', 'add', `${this.address}/24`, 'dev', inside);
  }

  get #etc(): string {
    return join(OVER_ETC, this.#name);
  }

  #remove(): void {
    spawnSync('ip', ['netns', 'del', this.#name]);
    spawnSync('ip', ['link', 'del', this.#links.outside]);
    rmSync(this.#etc, { recursive: true, force: true });
  }
}

/** Half a second of packets waits before a rate. */
function rate(kbit: number): string[] {
  return ['tbf', 'rate', `${kbit}kbit`, 'burst', '4kb', 'latency', '500ms'];
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
