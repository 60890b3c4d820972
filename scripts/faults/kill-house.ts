/** The house that `kills` breaks: a witness, real add-ons, a registry that changes, and a cloud behind mosquitto. */
import { join } from 'node:path';
import { CloudHouse } from '../../test/e2e/cloud/cloud-house.ts';
import { ShellyPlugS } from '../../test/simulators/shelly-plug-s.ts';
import { addForeignAddon } from '../../test/support/foreign-addon.ts';
import { until } from '../../test/support/until.ts';
import { Arrivals } from './arrivals.ts';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import type { ReadyTimes } from './ready-times.ts';
import { RegistryModel } from './registry.ts';
import { demand, type FaultRun } from './scenario.ts';
import { Witness } from './witness.ts';

/** A broker that takes all that it is sent, and saves it as often as mosquitto can. */
const KEEPS_ALL = ['max_inflight_messages 0', 'autosave_interval 1', 'autosave_on_changes true'];
const ENVIRONMENT = {
  NODE_ENV: '',
  CLOUD_RETRY_MAX_SECONDS: '1',
  CLOUD_PUBLISHES_PER_SECOND: '0',
  CLOUD_UNACKNOWLEDGED_MAX: '0',
  CLOUD_BACKLOG_KIB_PER_SECOND: '0',
};
/** An add-on as a process that keeps account of itself; sent gently, to leave the machine to the others. */
export const JOURNAL = 'journal';
const JOURNAL_IN_FLIGHT = 3;
const WITNESS_PER_TURN = 2;
/** After many kills an add-on is started again with a pause of a minute. */
const COMES_BACK_MS = 100_000;

interface Parts {
  parts: Record<string, { state: string; reason?: string }>;
}

export class KillHouse {
  readonly gateway: FaultHouse;
  readonly witness: Witness;
  readonly ledger: Ledger;
  readonly registry: RegistryModel;
  readonly arrivals: Arrivals;
  readonly cloud: CloudHouse;
  /** Outside of the data folder. */
  readonly outside: string;
  /** Of the witness, and nothing to it: filled from behind. */
  fillers: { old: string; young: string } = { old: '', young: '' };
  /** What mosquitto had acknowledged when it was killed, and has lost; known after the audit. */
  lostByBroker = 0;
  readonly #plug = new ShellyPlugS();

  private constructor(parts: { gateway: FaultHouse; cloud: CloudHouse; outside: string; run: FaultRun }) {
    this.gateway = parts.gateway;
    this.cloud = parts.cloud;
    this.outside = parts.outside;
    this.witness = new Witness(join(parts.outside, 'acked'));
    this.witness.perTurn = WITNESS_PER_TURN;
    this.ledger = new Ledger(this.gateway.storePath);
    this.registry = new RegistryModel(parts.run.random.fork('registry'));
    this.arrivals = new Arrivals(this.cloud);
  }

  static async open(run: FaultRun, ready: ReadyTimes): Promise<KillHouse> {
    const { scope } = run;
    const cloud = await CloudHouse.open({ settings: KEEPS_ALL, isRecorded: true });
    scope.defer(() => cloud.close());
    const environment = { ...ENVIRONMENT, CONFIG_FOLDER: cloud.credentials };
    const gateway = await FaultHouse.at({ scope, ready, folder: scope.folder(), environment });
    const house = new KillHouse({ gateway, cloud, outside: scope.folder(), run });
    scope.defer(() => house.close());
    await house.#furnish();
    return house;
  }

  async #furnish(): Promise<void> {
    const type = addForeignAddon(this.gateway.folder, { slug: JOURNAL, source: 'journal.ts' });
    await this.gateway.start();
    const { api } = this.gateway;
    await this.witness.move(api);
    for (const age of ['old', 'young'] as const) {
      // half of what is filled in goes to the cloud: that is enough to send again
      const relay = { excluded: age === 'young' };
      const device = { name: age, type: 'type-witness' };
      const { id } = await api.send<{ id: string }>('POST', '/device/v1/devices', device);
      await api.send('PATCH', `/device/v1/devices/${id}`, { relay });
      this.fillers[age] = id;
    }
    await api.send('POST', `/device/v1/protocols/${JOURNAL}/installation`, {
      parameters: { inFlight: JOURNAL_IN_FLIGHT },
    });
    await api.send('POST', '/device/v1/devices', { name: 'journal', type });
    const demo = { name: 'demo', isVirtual: true, demoActive: true, frequency: 30 };
    await api.send('POST', '/device/v1/devices', demo);
    await this.#addPlug();
    await this.registry.begin(api);
    await this.running();
  }

  async #addPlug(): Promise<void> {
    const { api } = this.gateway;
    const port = await this.#plug.start();
    const types = await api.get<{ id: string; model: string }[]>('/device/v1/types');
    const http = types.find(({ model }) => model === 'HTTP-DEVICE');
    const parameters = { hostname: '127.0.0.1', port, interval: 1 };
    await until(
      'the add-on for HTTP devices runs',
      async () => (await this.#part('http'))?.state === 'running',
    );
    await api.send('POST', '/device/v1/devices', {
      name: 'plug',
      type: http?.id,
      parameters,
      pair: true,
    });
  }

  /** After each cut, with the daemon up again. @throws FaultFound */
  async check(): Promise<void> {
    this.ledger.look(this.witness);
    await this.registry.check(this.gateway.api);
    this.arrivals.look();
  }

  /** Every add-on of the house works. */
  async running(): Promise<void> {
    for (const slug of [JOURNAL, 'virtual', 'http'])
      await until(`${slug} runs`, async () => (await this.#part(slug))?.state === 'running', COMES_BACK_MS);
  }

  /** At the end: everything has arrived everywhere, and nothing is left over. @throws FaultFound */
  async audit(): Promise<void> {
    await this.running();
    await this.check();
    await this.witness.settled();
    const { api } = this.gateway;
    await api.send('DELETE', `/device/v1/protocols/${JOURNAL}/installation?force=true`);
    await until('the journal has ended', async () => {
      const { status } = await api.get<{ status: string }>(`/device/v1/protocols/${JOURNAL}`);
      return status === 'notInstalled';
    });
    await until(
      'the cloud has everything',
      async () => {
        this.arrivals.look();
        return /^gate_relay_backlog_readings 0$/m.test(await api.get<string>('/metrics'));
      },
      120_000,
    );
    this.lostByBroker = await this.arrivals.demandAll(this.#lastNumber());
    this.arrivals.demandReadings(this.ledger.seqsOf(this.witness.deviceIds), this.lostByBroker);
    this.ledger.audit(this.witness);
    this.#auditJournal();
    const code = await this.gateway.daemon.stop();
    demand(code === 0, `the daemon was told to stop and ended with ${code}`);
  }

  async close(): Promise<void> {
    await this.witness.close();
    await this.#plug.stop();
    await this.cloud.close();
  }

  /** The number of the reading that was stored last. */
  #lastNumber(): number {
    return this.ledger.figure(`
      SELECT cloud + coalesce(until, (SELECT seq + 1 FROM sqlite_sequence WHERE name = 'reading')) - start - 1
      FROM relay_run ORDER BY cloud DESC LIMIT 1`);
  }

  #auditJournal(): void {
    const folder = join(this.gateway.folder, 'addons-data', JOURNAL);
    this.ledger.auditJournal({ device: 'journal', acked: join(folder, 'acked') });
  }

  async #part(slug: string) {
    const { parts } = await this.gateway.api.get<Parts>('/health/ready');
    return parts[`addon:${slug}`];
  }
}
