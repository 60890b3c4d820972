/** A colour bulb that routes, has Touchlink and is updated over the air: Innr RB 285 C. */
import type { Packet } from '../air/packet.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { basic, Identify } from '../zcl/clusters/basic.ts';
import { Groups } from '../zcl/clusters/groups.ts';
import { ColourControl, Level, OnOff } from '../zcl/clusters/lighting.ts';
import { type LampState, Scenes } from '../zcl/clusters/scenes.ts';
import { TOUCHLINK, Touchlink } from '../zcl/clusters/touchlink.ts';
import { UpgradableDevice, type UpgradableOptions } from './upgradable.ts';

const DEVICE_ID = 0x010d;
const IMAGE_TYPE = 0x0285;
const TOUCHLINK_ENDPOINT = 12;

export class ColourBulb extends UpgradableDevice {
  /** Touchlink reaches no further than a hand's breadth. */
  touchlinkNear = true;
  readonly scenes: Scenes;
  readonly #onOff = new OnOff();
  readonly #level = new Level(this.#onOff);
  readonly #colour = new ColourControl();
  readonly #identify = new Identify();
  readonly #touchlink: Touchlink;

  constructor(options: UpgradableOptions = {}) {
    super({ manufacturerCode: 0x1166, mains: true, router: true }, IMAGE_TYPE, options);
    const groups = () => this.endpoint(1).groups;
    const show = (state: LampState, tenths: number) => this.#show(state, tenths);
    this.scenes = new Scenes({ groups, state: () => this.state, show });
    const identity = { manufacturer: 'innr', model: 'RB 285 C', powerSource: 1, softwareBuild: '1.0.0' };
    const lamp = [this.#onOff, this.#level, this.#colour];
    new DeviceEndpoint(this, {
      id: 1,
      deviceId: DEVICE_ID,
      servers: [basic(identity), this.#identify, new Groups(groups), this.scenes, ...lamp],
      clients: [this.ota],
    });
    this.#touchlink = this.#makeTouchlink();
  }

  get state(): LampState {
    return { on: this.#onOff.on, level: this.#level.level, colour: this.#colour.state };
  }

  /** Seconds that it was told to blink for. */
  get identifying(): number {
    return this.#identify.number(0x0000);
  }

  /** What it does when its power comes back (ZCL, 3.8.2.2.5): 0 off, 1 on, 2 the other one, 255 as before. */
  get powerOnBehaviour(): number {
    return this.#onOff.number(0x4003);
  }

  /** The last effect that it was told to show. */
  get effect(): number | undefined {
    return this.#identify.effect;
  }

  /** Somebody presses a switch that is wired to it, or its own app does. */
  turn(on: boolean): void {
    this.#onOff.turn(on);
  }

  override receiveInterPan(packet: Packet, channel: number): void {
    if (this.touchlinkNear) this.#touchlink.receive(packet, channel);
  }

  #makeTouchlink(): Touchlink {
    const bulb = this;
    const answer = (channel: number, data: Buffer) => {
      const packet = { clusterId: TOUCHLINK, profileId: 0xc05e, groupId: 0, broadcast: false, data };
      const endpoints = { sourceEndpoint: 1, destinationEndpoint: TOUCHLINK_ENDPOINT };
      this.trustCentre.heardInterPan(this, channel, { ...packet, ...endpoints });
    };
    const host = {
      get membership() {
        return bulb.membership;
      },
      answer,
      identify: (seconds: number) => this.#identify.set(0x0000, seconds),
      reset: () => {
        this.reset();
        this.seek();
      },
    };
    return new Touchlink(host, DEVICE_ID);
  }

  #show(state: LampState, tenths: number): void {
    this.#onOff.turn(state.on);
    this.#level.recall(state.level, tenths);
    this.#colour.recall(state.colour, tenths);
  }
}
