/** Everything that belongs to one server: the link, what is read, what is asked for after an outage. */
import type { AddonError, Clock } from '@gate/addon-sdk';
import { BusReader } from './bus-reader.ts';
import { BusRefresh } from './bus-refresh.ts';
import type { ServerParameters } from './knx-parameters.ts';
import { Bus } from './link/bus.ts';
import type { Connector, Link } from './link/link.ts';
import { RoutingConnector } from './link/routing.ts';
import { openTcpChannel } from './link/tcp-channel.ts';
import { TunnelConnector } from './link/tunnel-connector.ts';
import type { TunnelNote } from './link/tunnel-note.ts';
import { openUdpChannel } from './link/udp-channel.ts';
import { parseIndividualAddress } from './wire/address.ts';
import type { GroupTelegram } from './wire/cemi.ts';

/** This side's address with routing, where none is given: at the end of the last line, where ETS puts no device. */
const ROUTING_ADDRESS = parseIndividualAddress('15.15.250');

export interface BusSessionParts {
  parameters: ServerParameters;
  tunnelNote: TunnelNote | undefined;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
  onTelegram: (telegram: GroupTelegram) => void;
  onUp: (link: Link) => void;
  onDown: (reason: AddonError) => void;
}

export class BusSession {
  readonly bus: Bus;
  readonly reader: BusReader;
  readonly refresh: BusRefresh;
  /** This side's address on the bus. */
  individualAddress = 0;

  constructor({ parameters, tunnelNote, clock, random, onTelegram, onUp, onDown }: BusSessionParts) {
    this.bus = new Bus({
      connector: connectorFor(parameters, clock, tunnelNote),
      clock,
      random,
      onTelegram: (telegram) => {
        this.reader.receive(telegram);
        onTelegram(telegram);
      },
      onUp: (link) => {
        this.individualAddress = link.individualAddress ?? 0;
        onUp(link);
      },
      onDown: (reason) => {
        this.refresh.forget();
        onDown(reason);
      },
    });
    this.reader = new BusReader(this.bus);
    this.refresh = new BusRefresh(this.bus, clock);
  }

  start(): void {
    this.bus.start();
  }

  async stop(): Promise<void> {
    this.refresh.stop();
    await this.bus.stop();
  }
}

function connectorFor(parameters: ServerParameters, clock: Clock, note: TunnelNote | undefined): Connector {
  const { server, transport, routeBack, individualAddress } = parameters;
  if (transport === 'routing') {
    return new RoutingConnector({
      group: server,
      individualAddress: individualAddress ?? ROUTING_ADDRESS,
      clock,
    });
  }
  const open = transport === 'tcp' ? openTcpChannel : openUdpChannel;
  return new TunnelConnector({ open, server, routeBack, individualAddress, note, clock });
}
