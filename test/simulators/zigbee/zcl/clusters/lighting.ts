/** On/off (0x0006), level (0x0008) and colour (0x0300) of a lamp, with transitions (ZCL 8, 3.8, 3.10 and 5.2). */
import { Cluster, type CommandContext, type CommandResult } from '../cluster.ts';
import { Type } from '../data-types.ts';
import { ZclStatus } from '../frame.ts';
import { Transitions } from './transitions.ts';

const ON = 0x0000;
const LEVEL = 0x0000;
const LEVEL_MAX = 254;
const TENTHS_MS = 100;

export class OnOff extends Cluster {
  /** Told when it was switched, by command or by level. */
  onSwitch: ((on: boolean) => void) | undefined;

  constructor() {
    super(0x0006, [
      { id: ON, type: Type.boolean, value: false },
      { id: 0x4001, type: Type.uint16, value: 0, writable: true },
      { id: 0x4002, type: Type.uint16, value: 0, writable: true },
      { id: 0x4003, type: Type.enum8, value: 0xff, writable: true },
    ]);
  }

  get on(): boolean {
    return this.get(ON) === true;
  }

  turn(on: boolean): void {
    this.set(ON, on);
    this.onSwitch?.(on);
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    switch (id) {
      case 0x00:
      case 0x01:
        this.turn(id === 0x01);
        return ZclStatus.success;
      case 0x02:
        this.turn(!this.on);
        return ZclStatus.success;
      case 0x40:
        // off with effect
        payload.u16();
        this.turn(false);
        return ZclStatus.success;
      case 0x42: {
        // on with timed off, in tenths of a second
        payload.u8();
        const onForTenths = payload.u16();
        this.turn(true);
        setTimeout(() => this.turn(false), onForTenths * TENTHS_MS).unref();
        return ZclStatus.success;
      }
      default:
        return undefined;
    }
  }
}

export class Level extends Cluster {
  readonly #onOff: OnOff;
  readonly #transitions = new Transitions(this);

  constructor(onOff: OnOff) {
    super(0x0008, [
      { id: LEVEL, type: Type.uint8, value: LEVEL_MAX },
      { id: 0x0001, type: Type.uint16, value: 0 },
      { id: 0x000f, type: Type.bitmap8, value: 0, writable: true },
      { id: 0x0010, type: Type.uint16, value: 0, writable: true },
      { id: 0x0011, type: Type.uint8, value: 0xff, writable: true },
      { id: 0x4000, type: Type.uint8, value: 0xff, writable: true },
    ]);
    this.#onOff = onOff;
  }

  get level(): number {
    return this.number(LEVEL);
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    if (id > 0x07) return undefined;
    const withOnOff = id >= 0x04;
    switch (id % 4) {
      case 0x00:
        this.#move(payload.u8(), payload.u16(), withOnOff);
        return ZclStatus.success;
      case 0x01: {
        const up = payload.u8() === 0;
        const perSecond = payload.u8();
        const target = up ? LEVEL_MAX : 1;
        const tenths = perSecond === 0 ? 0 : (Math.abs(target - this.level) / perSecond) * 10;
        this.#move(target, tenths, withOnOff);
        return ZclStatus.success;
      }
      case 0x02: {
        const up = payload.u8() === 0;
        const size = payload.u8();
        this.#move(this.level + (up ? size : -size), payload.u16(), withOnOff);
        return ZclStatus.success;
      }
      default:
        this.#transitions.stop();
        return ZclStatus.success;
    }
  }

  /** To a level, as a scene does. */
  recall(level: number, tenths: number): void {
    this.#transitions.to(LEVEL, level, tenths * TENTHS_MS);
  }

  #move(target: number, tenths: number, withOnOff: boolean): void {
    const level = Math.min(LEVEL_MAX, Math.max(withOnOff ? 0 : 1, target));
    if (!withOnOff && !this.#onOff.on) return;
    if (withOnOff && level > 0) this.#onOff.turn(true);
    const durationMs = tenths === 0xffff ? 0 : tenths * TENTHS_MS;
    this.#transitions.to(LEVEL, Math.max(level, 1), durationMs, () => {
      if (withOnOff && level === 0) this.#onOff.turn(false);
    });
  }
}

const Colour = { hue: 0x0000, saturation: 0x0001, x: 0x0003, y: 0x0004, temperature: 0x0007, mode: 0x0008 };
const MODE = { hueSaturation: 0, xy: 1, temperature: 2 };
const MIREDS_MIN = 153;
const MIREDS_MAX = 555;

export class ColourControl extends Cluster {
  readonly #transitions = new Transitions(this);

  constructor() {
    super(0x0300, [
      { id: Colour.hue, type: Type.uint8, value: 0 },
      { id: Colour.saturation, type: Type.uint8, value: 0 },
      { id: 0x0002, type: Type.uint16, value: 0 },
      { id: Colour.x, type: Type.uint16, value: 0x616b },
      { id: Colour.y, type: Type.uint16, value: 0x607d },
      { id: Colour.temperature, type: Type.uint16, value: 250 },
      { id: Colour.mode, type: Type.enum8, value: MODE.temperature },
      { id: 0x000f, type: Type.bitmap8, value: 0, writable: true },
      { id: 0x4000, type: Type.uint16, value: 0 },
      { id: 0x4001, type: Type.enum8, value: MODE.temperature },
      // hue and saturation, xy, colour temperature
      { id: 0x400a, type: Type.bitmap16, value: 0x0019 },
      { id: 0x400b, type: Type.uint16, value: MIREDS_MIN },
      { id: 0x400c, type: Type.uint16, value: MIREDS_MAX },
      { id: 0x4010, type: Type.uint16, value: 0xffff, writable: true },
    ]);
  }

  get state() {
    return {
      hue: this.number(Colour.hue),
      saturation: this.number(Colour.saturation),
      x: this.number(Colour.x),
      y: this.number(Colour.y),
      mireds: this.number(Colour.temperature),
      mode: this.number(Colour.mode),
    };
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    switch (id) {
      case 0x00: {
        const hue = payload.u8();
        payload.u8();
        return this.#move(MODE.hueSaturation, payload.u16(), [[Colour.hue, hue]]);
      }
      case 0x03: {
        const saturation = payload.u8();
        return this.#move(MODE.hueSaturation, payload.u16(), [[Colour.saturation, saturation]]);
      }
      case 0x06: {
        const [hue, saturation] = [payload.u8(), payload.u8()];
        return this.#move(MODE.hueSaturation, payload.u16(), [
          [Colour.hue, hue],
          [Colour.saturation, saturation],
        ]);
      }
      case 0x07: {
        const [x, y] = [payload.u16(), payload.u16()];
        return this.#move(MODE.xy, payload.u16(), [
          [Colour.x, x],
          [Colour.y, y],
        ]);
      }
      case 0x0a: {
        const mireds = Math.min(MIREDS_MAX, Math.max(MIREDS_MIN, payload.u16()));
        return this.#move(MODE.temperature, payload.u16(), [[Colour.temperature, mireds]]);
      }
      case 0x44:
      case 0x47:
        this.#transitions.stop();
        return ZclStatus.success;
      case 0x4b: {
        const mode = payload.u8();
        payload.u16();
        if (mode === 0) this.#transitions.stop();
        else this.set(Colour.temperature, mode === 1 ? MIREDS_MAX : MIREDS_MIN);
        return ZclStatus.success;
      }
      case 0x4c: {
        const up = payload.u8() === 1;
        const size = payload.u16();
        const wanted = this.number(Colour.temperature) + (up ? size : -size);
        const mireds = Math.min(MIREDS_MAX, Math.max(MIREDS_MIN, wanted));
        return this.#move(MODE.temperature, payload.u16(), [[Colour.temperature, mireds]]);
      }
      default:
        return undefined;
    }
  }

  /** Back to a state, as a scene does. */
  recall(state: ColourControl['state'], tenths: number): void {
    this.#move(state.mode, tenths, [
      [Colour.hue, state.hue],
      [Colour.saturation, state.saturation],
      [Colour.x, state.x],
      [Colour.y, state.y],
      [Colour.temperature, state.mireds],
    ]);
  }

  #move(mode: number, tenths: number, targets: [number, number][]): number {
    this.set(Colour.mode, mode);
    this.set(0x4001, mode);
    for (const [attribute, value] of targets) this.#transitions.to(attribute, value, tenths * TENTHS_MS);
    return ZclStatus.success;
  }
}
