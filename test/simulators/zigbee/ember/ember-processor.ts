/**
 * What a simulated EmberZNet network processor answers: as much of EZSP (Silicon Labs UG100) as a host needs to start on
 * it, to form, resume, leave and restore a network, to make a backup, to let devices in and to talk with them.
 */
import { ByteReader, ByteWriter } from '../bytes.ts';
import type { EmberCoordinator } from './ember-coordinator.ts';
import {
  ConfigurationId,
  Frame,
  KEY_TABLE_SIZE,
  MESH,
  PolicyId,
  PROTOCOL_VERSION,
  STACK_VERSION,
  Status,
  TAKEN,
  UNKNOWN_FRAME,
  ValueId,
  VERSION_STRUCT,
} from './ezsp-numbers.ts';
import { MessageFrames } from './message-frames.ts';
import { NetworkFrames } from './network-frames.ts';

/** Frame control of an answer, and of what is told by itself. */
const ANSWER = 0x80;
const CALLBACK = 0x90;
const ROUTES_IN_MS = 10_000;

export class EmberProcessor {
  /** Frames that it did not know, as hexadecimal numbers. */
  readonly unknownCommands: string[] = [];
  readonly #coordinator: EmberCoordinator;
  readonly #send: (frame: Buffer) => void;
  readonly #network: NetworkFrames;
  readonly #messages: MessageFrames;

  constructor(coordinator: EmberCoordinator, send: (frame: Buffer) => void) {
    this.#coordinator = coordinator;
    this.#send = send;
    this.#network = new NetworkFrames(coordinator);
    this.#messages = new MessageFrames(coordinator, (id, parameters) => this.tell(id, parameters));
  }

  reset(): void {
    this.#coordinator.reset();
    this.#network.reset();
  }

  /** A frame of the older form is the question for the version alone: sequence, control, id. */
  receive(data: Buffer): void {
    const [sequence = 0, , high = 0] = data;
    if ((high & 3) === 0) {
      this.#send(Buffer.concat([Buffer.from([sequence, ANSWER, Frame.version]), version().done()]));
      return;
    }
    const id = data.readUInt16LE(3);
    const answer = this.#answer(id, new ByteReader(data.subarray(5)));
    if (answer) this.#say(sequence, id, answer.done());
    else {
      this.unknownCommands.push(id.toString(16));
      this.#say(sequence, Frame.invalidCommand, Buffer.from([UNKNOWN_FRAME]));
    }
  }

  /** What is told by itself is told once the command that brought it about has been answered. */
  tell(id: number, parameters: Buffer): void {
    setImmediate(() => this.#say(0, id, parameters, CALLBACK));
  }

  /** @returns undefined for one that it does not know, or that is too short */
  #answer(id: number, taken: ByteReader): ByteWriter | undefined {
    try {
      return this.#messages.answer(id, taken) ?? this.#network.answer(id, taken) ?? this.#setUp(id, taken);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return undefined;
    }
  }

  #say(sequence: number, id: number, parameters: Buffer, control = ANSWER): void {
    const head = new ByteWriter().u8(sequence).u8(control).u8(1).u16(id);
    this.#send(Buffer.concat([head.done(), parameters]));
  }

  /** How the stick is to work, and what the host has. */
  #setUp(id: number, taken: ByteReader): ByteWriter | undefined {
    const coordinator = this.#coordinator;
    switch (id) {
      case Frame.version:
        return version();
      case Frame.nop:
      case Frame.setManufacturerCode:
        return new ByteWriter();
      case Frame.getExtendedValue:
        return new ByteWriter().u32(Status.notFound).u8(2).u16(0);
      case Frame.setSourceRouteMode:
        return new ByteWriter().u32(ROUTES_IN_MS);
      case Frame.getEui64:
        return new ByteWriter().ieee(coordinator.ieee);
      case Frame.getConfiguration:
        return ok().u16(KEY_TABLE_SIZE);
      case Frame.setConfiguration:
        if (taken.u8() === ConfigurationId.transientKeySeconds)
          coordinator.transientKeys.timeoutSeconds = taken.u16();
        return ok();
      case Frame.setPolicy:
        if (taken.u8() === PolicyId.trustCentre) coordinator.policy = taken.u8();
        return ok();
      case Frame.setMulticastEntry:
        // the place in the table
        taken.u8();
        coordinator.groups.add(taken.u16());
        return ok();
      case Frame.addEndpoint:
        this.#addEndpoint(taken);
        return ok();
      case Frame.getValue:
        return taken.u8() === ValueId.versionInfo
          ? ok().u8(VERSION_STRUCT.length).bytes(VERSION_STRUCT)
          : new ByteWriter().u32(Status.notFound).u8(0);
      case Frame.setValue:
        if (taken.u8() === ValueId.frameCounter) {
          taken.u8();
          this.#network.startFrom(taken.u32());
        }
        return ok();
      default:
        return TAKEN.has(id) ? ok() : undefined;
    }
  }

  #addEndpoint(taken: ByteReader): void {
    const [id, profile, device, deviceVersion] = [taken.u8(), taken.u16(), taken.u16(), taken.u8()];
    const [inputs, outputs] = [taken.u8(), taken.u8()];
    const [servers, clients] = [taken.bytes(2 * inputs), taken.bytes(2 * outputs)];
    const described = new ByteWriter().u8(id).u16(profile).u16(device).u8(deviceVersion);
    const descriptor = described.u8(inputs).bytes(servers).u8(outputs).bytes(clients).done();
    this.#coordinator.endpoints.set(id, descriptor);
  }
}

function version(): ByteWriter {
  return new ByteWriter().u8(PROTOCOL_VERSION).u8(MESH).u16(STACK_VERSION);
}

function ok(): ByteWriter {
  return new ByteWriter().u32(Status.ok);
}
