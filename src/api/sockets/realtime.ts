/**
 * The events, as they are told: what the core says has happened, to the clients of socket.io and of the plain
 * WebSocket that asked for it, to each in its documented shape. Who may open a socket is `socket-admission.ts`'s to
 * say, which rooms it is in `narrowing.ts`'s. An event is not shaped when nobody wants it, and is encoded once.
 */
import type { Server as HttpServer } from 'node:http';
import type { GatewayEventBus, GatewayEvents } from '../../core/events.ts';
import type { Dispose } from '../../lib/event-bus.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Notification } from '../../model/notification.ts';
import type { StoredReading } from '../../model/reading.ts';
import type { Origins } from '../origins.ts';
import {
  cloudDataPayload,
  cloudLinkPayload,
  cloudStatusPayload,
  type GatewayFacts,
  type GatewayIdentity,
  softwareVersionPayload,
} from '../views/cloud-view.ts';
import {
  busTelegramsPayload,
  type DeviceChange,
  type EventKind,
  healthPayload,
  installationEvent,
  installationProgress,
  isoTime,
  liveLogPayload,
  logPayload,
  pairingEventOf,
  pairingPayload,
  pairingStepPayload,
} from '../views/event-view.ts';
import { notificationView } from '../views/notification-view.ts';
import { roomOf } from './narrowing.ts';
import type { SocketAdmission } from './socket-admission.ts';
import { SocketIoClients } from './socket-io-clients.ts';
import { WebSocketClients } from './web-socket-clients.ts';

export interface RealtimeParts {
  admission: SocketAdmission;
  origins: Origins;
  identity: GatewayIdentity;
  /** What the gateway is at this moment. */
  gateway: () => Omit<GatewayFacts, 'ingestion'>;
  events: GatewayEventBus;
  logger: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** A device's event that both kinds of clients are told alike: by name, with this payload. */
interface Told {
  kind: EventKind;
  event: string;
  deviceId?: string | undefined;
}

export class Realtime {
  readonly #parts: RealtimeParts;
  readonly #socketIo: SocketIoClients;
  readonly #webSockets: WebSocketClients;
  #ingestion = 0;
  #disposers: Dispose[] = [];

  constructor(parts: RealtimeParts) {
    const { admission, origins, identity, logger } = parts;
    this.#parts = parts;
    this.#socketIo = new SocketIoClients({
      admission,
      origins,
      logger,
      onWelcome: ({ rooms, emit }) => {
        if (this.#wantVersion(rooms)) emit('software_version', this.#version());
      },
    });
    this.#webSockets = new WebSocketClients({
      admission,
      projectId: identity.projectId,
      logger,
      onWelcome: ({ rooms, send }) => {
        if (this.#wantVersion(rooms)) send({ action: 'software_version', payload: this.#version() });
      },
    });
  }

  /** How many clients there are just now, of both kinds. */
  get clients(): number {
    return this.#socketIo.clients + this.#webSockets.clients;
  }

  /** How many clients were cut because they did not keep up. */
  get slowClients(): number {
    return this.#socketIo.slowClients + this.#webSockets.slowClients;
  }

  /** Before `server` listens. */
  attach(server: HttpServer): void {
    this.#socketIo.attach(server);
    this.#webSockets.attach(server);
  }

  start(): void {
    const { events } = this.#parts;
    this.#disposers = [
      events.on('readingsRecorded', (readings) => this.#tellReadings(readings)),
      events.on('deviceAnswered', (answer) => this.#tellAnswer(answer)),
      events.on('availabilityChanged', (change) => this.#tellAvailability(change)),
      events.on('devicePairingChanged', (change) => this.#tellPairing(change)),
      events.on('pairingStepped', (step) => this.#tellPairingStep(step)),
      events.on('notificationRaised', (notification) => this.#tellNotification(notification)),
      events.on('logsGathered', (gathered) => this.#tellLogs(gathered)),
      events.on('logLinesWritten', (written) => this.#tellGateway('live_log', () => liveLogPayload(written))),
      events.on('maintenanceChanged', (change) => this.#tellGateway('maintenance', () => change)),
      events.on('deviceAdded', ({ device }) => this.#tellDevice(device.id, 'added')),
      events.on('deviceChanged', ({ device }) => this.#tellDevice(device.id, 'changed')),
      events.on('deviceRemoved', ({ device }) => this.#tellDevice(device.id, 'removed')),
      events.on('protocolsChanged', ({ slug }) => this.#tellProtocol(slug)),
      events.on('healthChanged', (change) =>
        this.#tellGateway('health', () => healthPayload(change, this.#parts.now())),
      ),
      events.on('busTelegramsHeard', (heard) => this.#tellBus(heard)),
      events.on('installationChanged', (change) =>
        this.#tellInstallation('installation_progress', installationProgress(change)),
      ),
      events.on('cloudLinkChanged', (change) => this.#tellCloudLink(change)),
      events.on('updateEnded', (update) => this.#tellUpdate(update)),
      events.on('installationEnded', (ended) => {
        const { name, payload } = installationEvent(ended, this.#parts.identity);
        this.#tellInstallation(name, payload);
      }),
    ];
  }

  stop(): void {
    for (const dispose of this.#disposers.splice(0)) dispose();
    this.#socketIo.stop();
    this.#webSockets.stop();
  }

  #tellReadings(readings: readonly StoredReading[]): void {
    this.#ingestion += readings.length;
    this.#cutSlowClients();
    this.#webSockets.batch(() => {
      for (const reading of readings) this.#tellReading(reading);
    });
  }

  #tellReading(reading: StoredReading): void {
    const { deviceId, data, ts, clock } = reading;
    const unsure = clock === undefined ? {} : { clock };
    const to = this.#socketIo.listeners('data', deviceId);
    if (to) {
      const time = isoTime(ts);
      to.emit('data', { deviceId, payload: data, ts: time, ...unsure });
      const named = this.#socketIo.wantingDeviceNames(to);
      named?.emit(`data_${deviceId}`, data);
      named?.emit(deviceId, { action: 'data', payload: data, ts: time, ...unsure });
    }
    if (this.#webSockets.hears('data', deviceId)) {
      const payload = cloudDataPayload(reading, this.#parts.identity);
      this.#webSockets.tell('data', deviceId, { action: 'data', payload });
    }
  }

  #tellAnswer(answer: GatewayEvents['deviceAnswered']): void {
    const { deviceId, payload, ts } = answer;
    this.#cutSlowClients();
    const to = this.#socketIo.listeners('status', deviceId);
    if (to) {
      const time = isoTime(ts);
      to.emit('status', { deviceId, payload, ts: time });
      const named = this.#socketIo.wantingDeviceNames(to);
      named?.emit(`status_${deviceId}`, payload);
      named?.emit(deviceId, { action: 'status', payload, ts: time });
    }
    if (this.#webSockets.hears('status', deviceId)) {
      const told = cloudStatusPayload(answer, this.#parts.identity);
      this.#webSockets.tell('status', deviceId, { action: 'status', payload: told });
    }
  }

  #tellAvailability({ deviceId, online, reason, ts }: GatewayEvents['availabilityChanged']): void {
    const payload = { online, ...(reason === undefined ? {} : { reason }) };
    const time = isoTime(ts);
    this.#tell({ kind: 'availability', event: 'availability', deviceId }, () => ({
      deviceId,
      ...payload,
      ts: time,
    }));
    const to = this.#socketIo.listeners('availability', deviceId);
    if (to)
      this.#socketIo.wantingDeviceNames(to)?.emit(deviceId, { action: 'availability', payload, ts: time });
  }

  #tellPairing({ device }: GatewayEvents['devicePairingChanged']): void {
    const event = pairingEventOf(device);
    if (event) this.#tell({ kind: 'pairing', event, deviceId: device.id }, () => pairingPayload(device));
  }

  #tellPairingStep(step: GatewayEvents['pairingStepped']): void {
    const { deviceId } = step;
    this.#tell({ kind: 'pairing', event: 'pairing_progress', deviceId }, () => pairingStepPayload(step));
  }

  #tellInstallation(event: string, payload: object): void {
    const { gatewayId: deviceId } = this.#parts.identity;
    this.#tell({ kind: 'installation', event, deviceId }, () => payload);
  }

  #tellCloudLink(change: GatewayEvents['cloudLinkChanged']): void {
    const { identity } = this.#parts;
    const event = change.connected ? 'connected' : 'disconnected';
    this.#tell({ kind: 'cloud', event, deviceId: identity.gatewayId }, () =>
      cloudLinkPayload(this.#facts(), identity, change),
    );
  }

  #tellUpdate(update: GatewayEvents['updateEnded']): void {
    if (update.of !== 'gate') return;
    const { identity } = this.#parts;
    this.#tell({ kind: 'version', event: 'software_version', deviceId: identity.gatewayId }, () =>
      softwareVersionPayload(this.#facts(), identity, update),
    );
  }

  /** That it is different now, not how: REST has it, in the shape that its caller may see. */
  #tellDevice(deviceId: string, change: DeviceChange): void {
    const ts = isoTime(this.#parts.now());
    this.#tell({ kind: 'device', event: 'device_changed', deviceId }, () => ({ deviceId, change, ts }));
  }

  #tellProtocol(protocol: string): void {
    const { gatewayId: deviceId } = this.#parts.identity;
    const ts = isoTime(this.#parts.now());
    this.#tell({ kind: 'protocol', event: 'protocol_changed', deviceId }, () => ({ protocol, ts }));
  }

  /** What is the gateway's own, told under the name of its kind. */
  #tellGateway(kind: 'live_log' | 'maintenance' | 'health', shape: () => unknown): void {
    this.#tell({ kind, event: kind, deviceId: this.#parts.identity.gatewayId }, shape);
  }

  #tellBus(heard: GatewayEvents['busTelegramsHeard']): void {
    const { gatewayId: deviceId } = this.#parts.identity;
    this.#tell({ kind: 'bus', event: 'bus_telegrams', deviceId }, () => busTelegramsPayload(heard));
  }

  #tellNotification(notification: Notification): void {
    const { deviceId } = notification;
    this.#tell({ kind: 'notification', event: 'notification', deviceId }, () =>
      notificationView(notification),
    );
  }

  #tellLogs(gathered: GatewayEvents['logsGathered']): void {
    this.#tell({ kind: 'log', event: 'log', deviceId: gathered.deviceId }, () => logPayload(gathered));
  }

  #tell({ kind, event, deviceId }: Told, shape: () => unknown): void {
    this.#cutSlowClients();
    const to = this.#socketIo.listeners(kind, deviceId);
    const hears = this.#webSockets.hears(kind, deviceId);
    if (!to && !hears) return;
    const payload = shape();
    to?.emit(event, payload);
    if (hears) this.#webSockets.tell(kind, deviceId, { action: event, payload });
  }

  #cutSlowClients(): void {
    this.#socketIo.cutSlowClients();
    this.#webSockets.cutSlowClients();
  }

  #wantVersion(rooms: readonly string[]): boolean {
    return (
      rooms.includes(roomOf('version')) || rooms.includes(roomOf('version', this.#parts.identity.gatewayId))
    );
  }

  /** Told to each client when it is let in: whoever comes back after a restart hears of a new version so. */
  #version() {
    return softwareVersionPayload(this.#facts(), this.#parts.identity);
  }

  #facts(): GatewayFacts {
    return { ...this.#parts.gateway(), ingestion: this.#ingestion };
  }
}
