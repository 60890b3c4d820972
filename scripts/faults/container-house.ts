/**
 * The house that `container-kills` breaks: a gateway on a container engine of its own, with the journal as a container
 * that keeps account of its readings in its volume, and a guest that comes and goes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildVersion, bundled, bundleProgram } from '../../test/e2e/containers/programs.ts';
import type { ContainerEngine } from '../../test/support/container-engine.ts';
import { FOREIGN_TYPE } from '../../test/support/foreign-addon.ts';
import { until } from '../../test/support/until.ts';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import type { ReadyTimes } from './ready-times.ts';
import { demand, type FaultRun } from './scenario.ts';

export const JOURNAL = 'journal';
export const GUEST = 'guest';
const JOURNAL_IN_FLIGHT = 1;
/** After many kills an add-on is started again with a pause of a minute, and the engine itself takes a while. */
const COMES_BACK_MS = 150_000;
const UNDER_WAY = ['installing', 'updating', 'removing'];

/** Made once: two versions of the journal, and the guest. */
export interface HouseImages {
  journal: readonly [string, string];
  guest: string;
}

export async function buildImages(engine: ContainerEngine): Promise<HouseImages> {
  const [journal, program] = await Promise.all([
    bundled({ entryPoints: [resolve(import.meta.dirname, '../../test/e2e/addons/journal.ts')] }),
    bundleProgram(),
    engine.buildBase(),
  ]);
  // a new volume takes its owner from there
  const ownData = ['USER 0', 'RUN mkdir /data && chown 1000:1000 /data', 'USER 1000:1000'];
  const version = (name: string) =>
    engine.buildProgram(`${JOURNAL}:${name}`, journal, [...ownData, `ENV VERSION=${name}`]);
  return {
    journal: [await version('1'), await version('2')],
    guest: await buildVersion(engine, { program, name: `${GUEST}:1`, behaviour: 'good' }),
  };
}

interface Protocol {
  status: string;
  reason?: string;
  image?: { name: string };
}

export class ContainerKillHouse {
  readonly engine: ContainerEngine;
  readonly gateway: FaultHouse;
  readonly #images: HouseImages;
  readonly #ledger: Ledger;

  private constructor(engine: ContainerEngine, images: HouseImages, gateway: FaultHouse) {
    this.engine = engine;
    this.gateway = gateway;
    this.#images = images;
    this.#ledger = new Ledger(gateway.storePath);
  }

  static async open(
    { scope }: FaultRun,
    { engine, images, ready }: { engine: ContainerEngine; images: HouseImages; ready: ReadyTimes },
  ): Promise<ContainerKillHouse> {
    const gateway = await FaultHouse.at({
      scope,
      ready,
      folder: scope.folder(),
      environment: engine.environment,
    });
    const house = new ContainerKillHouse(engine, images, gateway);
    await house.#furnish();
    return house;
  }

  async #furnish(): Promise<void> {
    const type = { ...FOREIGN_TYPE, id: `type-${JOURNAL}`, model: JOURNAL };
    this.#add(JOURNAL, this.#images.journal[0], [type]);
    this.#add(GUEST, this.#images.guest, []);
    await this.gateway.start();
    await this.call('POST', JOURNAL, { parameters: { inFlight: JOURNAL_IN_FLIGHT } });
    demand((await this.settled(JOURNAL)).status === 'installed', 'the journal could not be installed');
    await this.gateway.api.send('POST', '/device/v1/devices', { name: JOURNAL, type: type.id });
    await this.works();
  }

  #add(slug: string, image: string, types: readonly object[]): void {
    const folder = join(this.gateway.folder, 'addons', slug);
    mkdirSync(folder, { recursive: true });
    const head = { id: slug, slug, name: slug, contract: 1, version: '1.0.0' };
    writeFileSync(
      join(folder, 'addon.json'),
      JSON.stringify({ ...head, types, runtime: { container: { image } } }),
    );
  }

  /** Not waited for, and not heard to its end where the daemon is killed meanwhile. */
  async call(method: string, slug: string, body?: object): Promise<void> {
    const query = method === 'DELETE' ? '?data=true' : '';
    await this.gateway.api
      .call(method, `/device/v1/protocols/${slug}/installation${query}`, body)
      .catch(() => undefined);
  }

  protocol(slug: string): Promise<Protocol> {
    return this.gateway.api.get<Protocol>(`/device/v1/protocols/${slug}`);
  }

  /** What it is when nothing is under way any more. */
  settled(slug: string): Promise<Protocol> {
    return until(
      `what was under way with the ${slug} has ended`,
      async () => {
        const protocol = await this.protocol(slug);
        return !UNDER_WAY.includes(protocol.status) && protocol;
      },
      COMES_BACK_MS,
    );
  }

  /** Whether the gateway is at work on it. */
  async isUnderWay(slug: string): Promise<boolean> {
    return UNDER_WAY.includes((await this.protocol(slug)).status);
  }

  /** The version of the journal that does not run now. */
  async otherImage(): Promise<string> {
    const { image } = await this.protocol(JOURNAL);
    const [one, other] = this.#images.journal;
    return image?.name === one ? other : one;
  }

  /** The process of its container, as the machine has it; undefined where none runs. */
  async pid(slug: string): Promise<number | undefined> {
    const [id] = await this.#containers(slug, 'status=running');
    if (id === undefined) return undefined;
    const pid = Number(await this.engine.docker('inspect', '--format', '{{.State.Pid}}', id));
    return pid > 0 ? pid : undefined;
  }

  /** The journal runs in one container, of one of its versions, is heard, and has lost nothing. @throws FaultFound */
  async works(): Promise<void> {
    const { image } = await this.settled(JOURNAL);
    demand(
      this.#images.journal.includes(image?.name ?? ''),
      `the journal is to run ${image?.name}, which it was never told to`,
    );
    await this.#oneRuns(JOURNAL);
    const before = this.#stored();
    await until('readings of the journal are stored again', () => this.#stored() > before, COMES_BACK_MS);
    const acked = join(await this.#volume(), 'acked');
    this.#ledger.auditJournal({ device: JOURNAL, acked });
  }

  /** The guest is there and runs, or is not there and has left nothing. @returns which */
  async guestIsWhole(): Promise<boolean> {
    const { status } = await this.settled(GUEST);
    if (status === 'installed') {
      await this.#oneRuns(GUEST);
      return true;
    }
    const left = async () => [
      ...(await this.#containers(GUEST)),
      ...lines(await this.engine.docker('volume', 'ls', '--quiet', '--filter', `label=gate.addon=${GUEST}`)),
    ];
    await until(
      `nothing is left of a guest that is ${status}`,
      async () => (await left()).length === 0,
      COMES_BACK_MS,
    );
    return false;
  }

  /** At the end: the daemon ends, and its containers with the house. */
  async leave(): Promise<void> {
    this.#ledger.demandSound();
    demand((await this.gateway.daemon.stop()) === 0, 'the daemon did not end well');
    for (const slug of [JOURNAL, GUEST])
      for (const id of await this.#containers(slug))
        await this.engine.docker('rm', '--force', '--volumes', id);
    const volumes = lines(
      await this.engine.docker('volume', 'ls', '--quiet', '--filter', 'label=gate.addon'),
    );
    for (const volume of volumes) await this.engine.docker('volume', 'rm', volume);
    // the next house begins with nothing
    await this.engine.docker('network', 'rm', 'gate-net').catch(() => undefined);
  }

  /** How many readings of the journal are in the store. */
  get stored(): number {
    return this.#stored();
  }

  #stored(): number {
    return this.#ledger.figure(
      `SELECT count(*) FROM reading r JOIN device d ON d.k = r.dev WHERE d.record ->> '$.name' = ?`,
      JOURNAL,
    );
  }

  #oneRuns(slug: string): Promise<true> {
    return until(
      `one container of the ${slug} runs, and there is no other`,
      async () => {
        const [all, running] = [await this.#containers(slug), await this.#containers(slug, 'status=running')];
        return all.length === 1 && running.length === 1;
      },
      COMES_BACK_MS,
    ) as Promise<true>;
  }

  async #containers(slug: string, ...filters: string[]): Promise<string[]> {
    const words = [`label=gate.addon=${slug}`, ...filters].flatMap((filter) => ['--filter', filter]);
    return lines(await this.engine.docker('ps', '--all', '--quiet', '--no-trunc', ...words));
  }

  async #volume(): Promise<string> {
    const [id = ''] = await this.#containers(JOURNAL);
    const format = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Source}}{{"\\n"}}{{end}}{{end}}';
    const [path = ''] = lines(await this.engine.docker('inspect', '--format', format, id));
    return path;
  }
}

const lines = (text: string) => text.split('\n').filter(Boolean);
