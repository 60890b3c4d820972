/** One endpoint of a device: its simple descriptor, its clusters with their reporting, its bindings and groups. */
import type { Packet } from './air/packet.ts';
import type { ClientCluster } from './zcl/client.ts';
import type { Attribute, Cluster } from './zcl/cluster.ts';
import type { Value } from './zcl/data-types.ts';
import { reportOf } from './zcl/foundation.ts';
import { encodeZcl, Global, type ZclFrame } from './zcl/frame.ts';
import { Reporting } from './zcl/reporting.ts';

export const HOME_AUTOMATION = 0x0104;
const COORDINATOR_ENDPOINT = 1;

/** The device that an endpoint is part of. */
export interface EndpointHost {
  readonly endpoints: DeviceEndpoint[];
  readonly coordinatorIeee: string | undefined;
  nextSequence(): number;
  /** To the coordinator. */
  send(packet: Packet): void;
  sendTo(target: { ieee: string } | { groupId: number }, packet: Packet): void;
}

export interface Binding {
  clusterId: number;
  target: { ieee: string; endpoint: number } | { groupId: number };
}

export interface EndpointOptions {
  id: number;
  /** "Device id" of the profile, as 0x0302 for a temperature sensor. */
  deviceId: number;
  profileId?: number;
  version?: number;
  servers: readonly Cluster[];
  clients?: readonly (number | ClientCluster)[];
}

export class DeviceEndpoint {
  readonly id: number;
  readonly deviceId: number;
  readonly profileId: number;
  readonly version: number;
  readonly servers = new Map<number, Cluster>();
  readonly clientIds: number[];
  readonly clients = new Map<number, ClientCluster>();
  readonly reporting = new Map<number, Reporting>();
  readonly groups = new Set<number>();
  bindings: Binding[] = [];
  readonly #device: EndpointHost;

  constructor(device: EndpointHost, options: EndpointOptions) {
    this.#device = device;
    this.id = options.id;
    this.deviceId = options.deviceId;
    this.profileId = options.profileId ?? HOME_AUTOMATION;
    this.version = options.version ?? 1;
    const clients = options.clients ?? [];
    this.clientIds = clients.map((client) => (typeof client === 'number' ? client : client.id));
    for (const client of clients) if (typeof client !== 'number') this.clients.set(client.id, client);
    for (const server of options.servers) {
      this.servers.set(server.id, server);
      const reporting = new Reporting((attribute) => this.#reportToBound(server, attribute));
      this.reporting.set(server.id, reporting);
      server.onChange = (attribute) => reporting.changed(attribute);
    }
    device.endpoints.push(this);
  }

  server(id: number): Cluster {
    const cluster = this.servers.get(id);
    if (!cluster) throw new Error(`endpoint ${this.id} has no cluster 0x${id.toString(16)}`);
    return cluster;
  }

  bind(binding: Binding): void {
    this.unbind(binding);
    this.bindings.push(binding);
  }

  unbind(binding: Binding): boolean {
    const before = this.bindings.length;
    const text = JSON.stringify(binding);
    this.bindings = this.bindings.filter((known) => JSON.stringify(known) !== text);
    return this.bindings.length < before;
  }

  /** Sets values (attribute id to value) and tells the coordinator of them now. */
  tell(clusterId: number, values: Readonly<Record<number, Value>>): void {
    const cluster = this.server(clusterId);
    const told: Attribute[] = [];
    for (const [id, value] of Object.entries(values)) {
      cluster.put(Number(id), value);
      const attribute = cluster.attribute(Number(id));
      if (attribute) told.push(attribute);
    }
    for (const attribute of told) this.reporting.get(clusterId)?.told(attribute);
    this.report(clusterId, told);
  }

  /** Sends attributes to the coordinator now, whatever was bound or configured. */
  report(clusterId: number, attributes: readonly Attribute[], manufacturerCode?: number): void {
    this.sendFrame(clusterId, {
      global: true,
      manufacturerCode,
      fromServer: true,
      disableDefaultResponse: true,
      command: Global.report,
      payload: reportOf(attributes),
    });
  }

  /** A command of a server cluster to the coordinator, as an alarm of an IAS zone. */
  notify(clusterId: number, command: number, payload: Buffer): void {
    this.sendFrame(clusterId, {
      global: false,
      manufacturerCode: undefined,
      fromServer: true,
      disableDefaultResponse: true,
      command,
      payload,
    });
  }

  /** A command of a client cluster to whatever it is bound to, as "toggle" of a switch. */
  command(clusterId: number, command: number, payload: Buffer = Buffer.alloc(0)): void {
    const frame = {
      global: false,
      manufacturerCode: undefined,
      fromServer: false,
      disableDefaultResponse: true,
      command,
      payload,
    };
    for (const { clusterId: bound, target } of this.bindings) {
      if (bound === clusterId) this.#sendTo(target, clusterId, frame);
    }
  }

  /** To the coordinator. The sequence number is the next one where none is given. */
  sendFrame(
    clusterId: number,
    frame: Omit<ZclFrame, 'sequence'> & { sequence?: number },
    to = COORDINATOR_ENDPOINT,
  ): void {
    const sequence = frame.sequence ?? this.#device.nextSequence();
    this.#device.send(this.#packet(clusterId, encodeZcl({ ...frame, sequence }), to));
  }

  /** Bytes as they are, for frames from the wild. */
  sendRaw(clusterId: number, data: Buffer): void {
    this.#device.send(this.#packet(clusterId, data, COORDINATOR_ENDPOINT));
  }

  reset(): void {
    this.bindings = [];
    this.groups.clear();
    for (const reporting of this.reporting.values()) reporting.clear();
  }

  stop(): void {
    for (const reporting of this.reporting.values()) reporting.clear();
  }

  #reportToBound(cluster: Cluster, attribute: Attribute): void {
    const frame = {
      global: true,
      manufacturerCode: attribute.manufacturerCode,
      fromServer: true,
      disableDefaultResponse: true,
      command: Global.report,
      payload: reportOf([attribute]),
    };
    for (const { clusterId, target } of this.bindings) {
      if (clusterId === cluster.id) this.#sendTo(target, clusterId, frame);
    }
  }

  #sendTo(target: Binding['target'], clusterId: number, frame: Omit<ZclFrame, 'sequence'>): void {
    const data = encodeZcl({ ...frame, sequence: this.#device.nextSequence() });
    if ('groupId' in target) {
      const packet = this.#packet(clusterId, data, 0xff);
      this.#device.sendTo(target, { ...packet, groupId: target.groupId, broadcast: true });
    } else if (target.ieee === this.#device.coordinatorIeee) {
      this.#device.send(this.#packet(clusterId, data, target.endpoint));
    } else {
      this.#device.sendTo(target, this.#packet(clusterId, data, target.endpoint));
    }
  }

  #packet(clusterId: number, data: Buffer, destinationEndpoint: number): Packet {
    return {
      clusterId,
      profileId: this.profileId,
      sourceEndpoint: this.id,
      destinationEndpoint,
      groupId: 0,
      broadcast: false,
      data,
    };
  }
}
