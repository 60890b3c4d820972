/** Scenes (0x0005, ZCL 8, 3.7) of a lamp: what it looked like is stored and recalled. */
import { ByteReader, ByteWriter } from '../../bytes.ts';
import { Cluster, type CommandContext, type CommandResult } from '../cluster.ts';
import { Type } from '../data-types.ts';
import { ZclStatus } from '../frame.ts';
import type { ColourControl } from './lighting.ts';

const SCENES_MAX = 16;
const ON_OFF = 0x0006;
const LEVEL = 0x0008;
const COLOUR = 0x0300;
const ENHANCED = 0x40;

export interface LampState {
  on: boolean;
  /** 1 to 254. */
  level: number;
  /**
   * As the colour cluster has it: hue and saturation up to 254, x and y up to 65,279, mode 0 hue and saturation, 1 xy,
   * 2 temperature.
   */
  colour: ColourControl['state'];
}

interface Scene {
  group: number;
  id: number;
  tenths: number;
  state: LampState;
}

export interface SceneHost {
  groups(): Set<number>;
  state(): LampState;
  show(state: LampState, tenths: number): void;
}

export class Scenes extends Cluster {
  readonly #host: SceneHost;
  readonly #scenes = new Map<string, Scene>();

  constructor(host: SceneHost) {
    super(0x0005, [
      { id: 0x0000, type: Type.uint8, value: 0 },
      { id: 0x0001, type: Type.uint8, value: 0 },
      { id: 0x0002, type: Type.uint16, value: 0 },
      { id: 0x0003, type: Type.boolean, value: false },
      { id: 0x0004, type: Type.bitmap8, value: 0 },
    ]);
    this.#host = host;
  }

  /** Scenes it knows, as `group/scene`. */
  get known(): string[] {
    return [...this.#scenes.keys()];
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    switch (id) {
      case 0x00:
      case ENHANCED:
        return this.#add(id, payload);
      case 0x01:
      case ENHANCED + 1:
        return this.#view(id, payload.u16(), payload.u8());
      case 0x02: {
        const [group, scene] = [payload.u16(), payload.u8()];
        const removed = this.#scenes.delete(`${group}/${scene}`);
        return reply(id, removed ? ZclStatus.success : ZclStatus.notFound, group, scene);
      }
      case 0x03: {
        const group = payload.u16();
        for (const scene of this.#of(group)) this.#scenes.delete(`${group}/${scene.id}`);
        return { command: id, payload: new ByteWriter().u8(ZclStatus.success).u16(group).done() };
      }
      case 0x04: {
        const [group, scene] = [payload.u16(), payload.u8()];
        return reply(id, this.#put({ group, id: scene, tenths: 0, state: this.#host.state() }), group, scene);
      }
      case 0x05:
        return this.#recall(payload);
      case 0x06: {
        const group = payload.u16();
        const ids = this.#of(group).map((scene) => scene.id);
        const capacity = SCENES_MAX - this.#scenes.size;
        const writer = new ByteWriter().u8(ZclStatus.success).u8(capacity).u16(group).u8(ids.length);
        return { command: id, payload: writer.bytes(ids).done() };
      }
      default:
        return undefined;
    }
  }

  #of(group: number): Scene[] {
    return [...this.#scenes.values()].filter((scene) => scene.group === group);
  }

  #put(scene: Scene): number {
    if (scene.group !== 0 && !this.#host.groups().has(scene.group)) return ZclStatus.invalidField;
    const key = `${scene.group}/${scene.id}`;
    if (!this.#scenes.has(key) && this.#scenes.size >= SCENES_MAX) return ZclStatus.insufficientSpace;
    this.#scenes.set(key, scene);
    this.set(0x0000, this.#scenes.size);
    return ZclStatus.success;
  }

  #add(command: number, payload: ByteReader): CommandResult {
    const [group, id, time] = [payload.u16(), payload.u8(), payload.u16()];
    payload.bytes(payload.u8());
    const state = this.#host.state();
    while (payload.left >= 3)
      readExtension(state, payload.u16(), new ByteReader(payload.bytes(payload.u8())));
    // the plain command counts in seconds, the enhanced one in tenths of them
    const tenths = command === ENHANCED ? time : time * 10;
    return reply(command, this.#put({ group, id, tenths, state }), group, id);
  }

  #view(command: number, group: number, id: number): CommandResult {
    const scene = this.#scenes.get(`${group}/${id}`);
    if (!scene) return reply(command, ZclStatus.notFound, group, id);
    const writer = new ByteWriter().u8(ZclStatus.success).u16(group).u8(id);
    writer.u16(command === ENHANCED + 1 ? scene.tenths : Math.round(scene.tenths / 10)).u8(0);
    writer
      .u16(ON_OFF)
      .u8(1)
      .u8(scene.state.on ? 1 : 0);
    writer.u16(LEVEL).u8(1).u8(scene.state.level);
    writer.u16(COLOUR).u8(4).u16(scene.state.colour.x).u16(scene.state.colour.y);
    return { command, payload: writer.done() };
  }

  #recall(payload: ByteReader): number {
    const [group, id] = [payload.u16(), payload.u8()];
    const tenths = payload.left >= 2 ? payload.u16() : 0xffff;
    const scene = this.#scenes.get(`${group}/${id}`);
    if (!scene) return ZclStatus.notFound;
    this.#host.show(scene.state, tenths === 0xffff ? scene.tenths : tenths);
    this.set(0x0001, id);
    this.set(0x0002, group);
    return ZclStatus.success;
  }
}

/** Extension field sets: values of one cluster's attributes, in order, of which the last may be missing. */
function readExtension(state: LampState, clusterId: number, data: ByteReader): void {
  if (clusterId === ON_OFF && data.left >= 1) state.on = data.u8() === 1;
  if (clusterId === LEVEL && data.left >= 1) state.level = data.u8();
  if (clusterId !== COLOUR || data.left < 4) return;
  const colour = { ...state.colour, x: data.u16(), y: data.u16(), mode: 1 };
  if (data.left >= 3) {
    // enhanced hue has the hue in its upper byte
    colour.hue = data.u16() >> 8;
    colour.saturation = data.u8();
  }
  if (data.left >= 6) {
    data.u24();
    data.u8();
    const mireds = data.u16();
    if (mireds !== 0) Object.assign(colour, { mireds, mode: 2 });
  }
  state.colour = colour;
}

function reply(command: number, status: number, group: number, scene: number): CommandResult {
  return { command, payload: new ByteWriter().u8(status).u16(group).u8(scene).done() };
}
