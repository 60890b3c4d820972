/**
 * What a simulated EmberZNet network processor answers: as much of EZSP (Silicon Labs UG100) as a host needs to start on
 * it, to form, resume, leave and restore a network, and to make a backup. It has no devices behind it: frames for the air
 * are taken, and told of as not delivered.
 */
import { ByteReader, ByteWriter } from '../bytes.ts';
import {
  COORDINATOR,
  Frame,
  KEY_TABLE_SIZE,
  KeyType,
  MESH,
  NetworkState,
  PROTOCOL_VERSION,
  STACK_VERSION,
  Status,
  TAKEN,
  UNKNOWN_FRAME,
  ValueId,
  VERSION_STRUCT,
} from './ezsp-numbers.ts';

/** Frame control of an answer, and of what is told by itself. */
const ANSWER = 0x80;
const CALLBACK = 0x90;
/** ZDO requests. */
const SIMPLE_DESCRIPTOR = 0x0004;
const ACTIVE_ENDPOINTS = 0x0005;
const NETWORK_UPDATE = 0x0038;
/** In place of a scan's duration. */
const CHANGE_CHANNEL = 0xfe;

export interface EmberNetwork {
  extendedPanId: Buffer;
  panId: number;
  channel: number;
  networkKey: Buffer;
  linkKey: Buffer;
  frameCounter: number;
}

export class EmberProcessor {
  /** What its memory holds; undefined for an empty one. */
  network: EmberNetwork | undefined;
  /** Frames that it did not know, as hexadecimal numbers: empty when all went well. */
  readonly unknownFrames: string[] = [];
  readonly #ieee: string;
  readonly #send: (frame: Buffer) => void;
  readonly #endpoints = new Map<number, Buffer>();
  /** The network runs. */
  #up = false;
  #keys: Pick<EmberNetwork, 'networkKey' | 'linkKey'> | undefined;
  #frameCounter = 0;

  constructor(ieee: string, send: (frame: Buffer) => void) {
    this.#ieee = ieee;
    this.#send = send;
  }

  reset(): void {
    this.#up = false;
    this.#keys = undefined;
    this.#endpoints.clear();
  }

  /** A frame of the older form is the question for the version alone: sequence, control, id. */
  receive(data: Buffer): void {
    const [sequence = 0, , high = 0] = data;
    if ((high & 3) === 0) {
      const version = this.#version().done();
      this.#send(Buffer.concat([Buffer.from([sequence, ANSWER, Frame.version]), version]));
      return;
    }
    const id = data.readUInt16LE(3);
    const answer = this.#answer(id, new ByteReader(data.subarray(5)));
    if (answer) this.#say(sequence, id, answer.done());
    else {
      this.unknownFrames.push(id.toString(16));
      this.#say(sequence, Frame.invalidCommand, Buffer.from([UNKNOWN_FRAME]));
    }
  }

  #say(sequence: number, id: number, parameters: Buffer, control = ANSWER): void {
    const head = new ByteWriter().u8(sequence).u8(control).u8(1).u16(id);
    this.#send(Buffer.concat([head.done(), parameters]));
  }

  /** What is told by itself is told once the command that brought it about has been answered. */
  #tellStatus(status: number): void {
    this.#tell(Frame.stackStatusHandler, new ByteWriter().u32(status).done());
  }

  #tell(id: number, parameters: Buffer): void {
    setImmediate(() => this.#say(0, id, parameters, CALLBACK));
  }

  #version(): ByteWriter {
    return new ByteWriter().u8(PROTOCOL_VERSION).u8(MESH).u16(STACK_VERSION);
  }

  #answer(id: number, taken: ByteReader): ByteWriter | undefined {
    const ok = () => new ByteWriter().u32(Status.ok);
    const { network } = this;
    switch (id) {
      case Frame.version:
        return this.#version();
      case Frame.nop:
      case Frame.clearTransientKeys:
      case Frame.setManufacturerCode:
        return new ByteWriter();
      case Frame.getExtendedValue:
        return new ByteWriter().u32(Status.notFound).u8(2).u16(0);
      case Frame.setSourceRouteMode:
        return new ByteWriter().u32(10_000);
      case Frame.getEui64:
        return new ByteWriter().ieee(this.#ieee);
      case Frame.getConfiguration:
        return ok().u16(KEY_TABLE_SIZE);
      case Frame.addEndpoint: {
        const [id, profile, device, version] = [taken.u8(), taken.u16(), taken.u16(), taken.u8()];
        const [inputs, outputs] = [taken.u8(), taken.u8()];
        const [servers, clients] = [taken.bytes(2 * inputs), taken.bytes(2 * outputs)];
        const described = new ByteWriter().u8(id).u16(profile).u16(device).u8(version);
        this.#endpoints.set(id, described.u8(inputs).bytes(servers).u8(outputs).bytes(clients).done());
        return ok();
      }
      case Frame.sendBroadcast:
        this.#broadcast(taken);
        return ok().u8(0);
      case Frame.sendUnicast:
        this.#unicast(taken);
        return ok().u8(0);
      case Frame.getValue:
        return taken.u8() === ValueId.versionInfo
          ? ok().u8(VERSION_STRUCT.length).bytes(VERSION_STRUCT)
          : new ByteWriter().u32(Status.notFound).u8(0);
      case Frame.setValue:
        if (taken.u8() === ValueId.frameCounter) {
          taken.u8();
          this.#frameCounter = taken.u32();
        }
        return ok();
      case Frame.networkState:
        return new ByteWriter().u8(this.#up ? NetworkState.joined : NetworkState.none);
      case Frame.networkInit:
        if (!network) return new ByteWriter().u32(Status.notJoined);
        this.#up = true;
        this.#tellStatus(Status.networkUp);
        return ok();
      case Frame.setInitialSecurity: {
        taken.u16();
        this.#keys = { linkKey: taken.bytes(16), networkKey: taken.bytes(16) };
        return ok();
      }
      case Frame.formNetwork:
        return this.#form(taken);
      case Frame.leaveNetwork:
        this.network = undefined;
        this.#up = false;
        this.#tellStatus(Status.networkDown);
        return ok();
      case Frame.getNetworkParameters:
        return this.#parameters();
      case Frame.networkKeyInfo:
        return ok()
          .bytes([network ? 1 : 0, 0, 0, 0])
          .u32(network?.frameCounter ?? 0);
      case Frame.exportLinkKey:
        return new ByteWriter().u32(Status.notFound).bytes(Buffer.alloc(18 + 16 + 12));
      case Frame.exportKey: {
        const context = taken.rest();
        if (!network) return new ByteWriter().u32(Status.notFound).bytes(Buffer.alloc(16)).bytes(context);
        const key = context[0] === KeyType.network ? network.networkKey : network.linkKey;
        return ok().bytes(key).bytes(context);
      }
      default:
        return TAKEN.has(id) ? ok() : undefined;
    }
  }

  /** To the stick itself it is answered; whoever else it is for is out of reach. */
  #unicast(taken: ByteReader): void {
    const [type, destination, profile, cluster] = [taken.u8(), taken.u16(), taken.u16(), taken.u16()];
    const aps = (answering: number) =>
      new ByteWriter().u16(profile).u16(answering).u8(0).u8(0).u16(0).u16(0).u8(0).done();
    taken.bytes(7);
    const tag = taken.u16();
    const asked = taken.bytes(taken.u8());
    const isOwn = destination === 0;
    const sent = new ByteWriter()
      .u32(isOwn ? Status.ok : Status.notDelivered)
      .u8(type)
      .u16(destination);
    this.#tell(Frame.messageSentHandler, sent.bytes(aps(cluster)).u16(tag).done());
    const answer = isOwn ? this.#describeSelf(cluster, asked) : undefined;
    if (!answer) return;
    const told = new ByteWriter().u8(0).bytes(aps(cluster | 0x8000));
    told.u16(0).ieee(this.#ieee).u8(0xff).u8(0xff).u8(255).u8(0).u32(0);
    this.#tell(Frame.incomingMessageHandler, told.u8(answer.length).bytes(answer).done());
  }

  /** It hears itself: told to change the channel, it does (Zigbee, 2.4.3.3.9). */
  #broadcast(taken: ByteReader): void {
    // alias, destination, sequence, profile
    taken.bytes(2 + 2 + 1 + 2);
    const cluster = taken.u16();
    // the rest of the APS frame, radius, tag, length
    taken.bytes(7 + 1 + 2 + 1);
    if (cluster !== NETWORK_UPDATE || !this.network) return;
    taken.u8();
    const channels = taken.u32();
    if (taken.u8() !== CHANGE_CHANNEL) return;
    this.network.channel = Math.log2(channels & -channels);
    this.#tellStatus(Status.channelChanged);
  }

  /** Active endpoints, and what each has (Zigbee, 2.4.3.1.5 and 2.4.3.1.6). */
  #describeSelf(cluster: number, asked: Buffer): Buffer | undefined {
    const answer = new ByteWriter()
      .u8(asked[0] ?? 0)
      .u8(0)
      .u16(0);
    if (cluster === ACTIVE_ENDPOINTS)
      return answer.u8(this.#endpoints.size).bytes(this.#endpoints.keys()).done();
    const described = this.#endpoints.get(asked[3] ?? 0);
    if (cluster !== SIMPLE_DESCRIPTOR || !described) return undefined;
    return answer.u8(described.length).bytes(described).done();
  }

  #form(taken: ByteReader): ByteWriter {
    if (!this.#keys) return new ByteWriter().u32(Status.notFound);
    const [extendedPanId, panId] = [taken.bytes(8), taken.u16()];
    taken.u8();
    this.network = {
      ...this.#keys,
      extendedPanId,
      panId,
      channel: taken.u8(),
      frameCounter: this.#frameCounter,
    };
    this.#up = true;
    this.#tellStatus(Status.networkUp);
    return new ByteWriter().u32(Status.ok);
  }

  #parameters(): ByteWriter {
    const { extendedPanId, panId, channel } = this.network ?? {
      extendedPanId: Buffer.alloc(8),
      panId: 0xffff,
      channel: 0,
    };
    const status = this.#up ? Status.ok : Status.notJoined;
    const parameters = new ByteWriter().u32(status).u8(COORDINATOR).bytes(extendedPanId).u16(panId);
    return parameters.u8(5).u8(channel).u8(0).u16(0).u8(0).u32(0x07fff800);
  }
}
