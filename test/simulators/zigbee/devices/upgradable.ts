/** A device whose firmware is updated over the air. */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import type { DeviceKind } from '../node.ts';
import { BASIC, SOFTWARE_BUILD } from '../zcl/clusters/basic.ts';
import { OTA, OtaClient } from '../zcl/clusters/ota-client.ts';

export interface UpgradableOptions extends DeviceOptions {
  /** As in the OTA file: upper bytes are the version, as 0x01000000. */
  fileVersion?: number;
}

export abstract class UpgradableDevice extends SimulatedDevice {
  readonly ota: OtaClient;

  constructor(kind: DeviceKind, imageType: number, options: UpgradableOptions = {}) {
    super(kind, options);
    this.ota = new OtaClient(imageType, options.fileVersion ?? 0x0100_0000, {
      manufacturerCode: kind.manufacturerCode,
      send: (command, payload) => {
        const frame = {
          global: false,
          manufacturerCode: undefined,
          fromServer: false,
          disableDefaultResponse: true,
        };
        this.#endpoint?.sendFrame(OTA, { ...frame, command, payload });
      },
      stuck: () => this.faults.at('imageBlock') !== undefined,
      upgraded: (fileVersion) => this.#upgraded(fileVersion),
    });
  }

  /** `swBuildId` of the firmware that runs, as `1.0.0`. */
  get softwareBuild(): string {
    return String(this.#endpoint?.server(BASIC).get(SOFTWARE_BUILD));
  }

  override stop(): void {
    super.stop();
    this.ota.stop();
  }

  get #endpoint() {
    return this.endpoints[0];
  }

  #upgraded(fileVersion: number): void {
    const build = [fileVersion >>> 24, (fileVersion >>> 16) & 0xff, fileVersion & 0xffff].join('.');
    this.#endpoint?.server(BASIC).put(SOFTWARE_BUILD, build);
    // it restarts with the new firmware, and says that it is there
    this.announce();
  }
}
