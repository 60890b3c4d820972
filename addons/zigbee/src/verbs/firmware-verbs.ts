/**
 * Firmware of devices over the air (ZCL, chapter 11), from files on this box alone: `firmware/` in the add-on's folder,
 * a file by name, or `firmware/index.json`. Nothing is fetched from the Internet. An update takes minutes to hours: it is
 * begun, and told as the device's readings (`update`).
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AddonError, type AddonLog, type JsonObject } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';
import { commandFailure } from '../devices/command-failure.ts';
import type { Definitions } from '../devices/definitions.ts';
import type { Receiver } from '../devices/receiver.ts';
import { endPagesWithTheImage } from '../network/firmware-pages.ts';
import { badVerb, textOf, type VerbHouse, type Verbs } from './verb.ts';

/** How long is waited to see whether it begins at all. */
const BEGIN_MS = 15_000;
const DATA_SETTINGS = { requestTimeout: 150_000, responseDelay: 50, baseSize: 50 };

export interface FirmwareVerbParts {
  house: VerbHouse;
  definitions: Definitions;
  receiver: Receiver;
  folder: string;
  log: AddonLog;
}

export function firmwareVerbs({ house, definitions, receiver, folder, log }: FirmwareVerbParts): Verbs {
  const files = join(folder, 'firmware');

  const sourceOf = async (params: JsonObject) => {
    mkdirSync(files, { recursive: true, mode: 0o700 });
    const { setOtaConfiguration } = await import('zigbee-herdsman');
    setOtaConfiguration(files, undefined);
    endPagesWithTheImage();
    const name = params['file'] === undefined ? 'index.json' : textOf(params, 'file');
    if (!/^[\w-][\w.-]*$/.test(name)) throw badVerb('"file" must be the name of a file, without a path');
    const url = join(files, name);
    if (!existsSync(url)) {
      throw new AddonError('notFound', `there is no ${name} in the firmware folder of the add-on`, {
        hint: 'put it into DATA_FOLDER/addons-data/zigbee/firmware',
      });
    }
    if (name.endsWith('.json')) checkIndex(url);
    return { url, downgrade: params['downgrade'] === true };
  };

  const extraMetas = async (device: Models.Device) => {
    const ota = (await definitions.of(device))?.definition.ota;
    return typeof ota === 'object' ? { ...ota } : {};
  };

  return {
    checkFirmware: async (params) => {
      const device = house.deviceOf(textOf(params, 'deviceId'));
      const source = await sourceOf(params);
      try {
        if (!source.url.endsWith('.json'))
          throw badVerb('a check needs an index: leave "file" out, or name one');
        const { available, current, availableMeta } = await device.checkOta(
          source,
          undefined,
          (await extraMetas(device)) as never,
        );
        return {
          available,
          installedVersion: current.fileVersion,
          ...(availableMeta ? { latestVersion: availableMeta.fileVersion } : {}),
        };
      } catch (error) {
        throw firmwareFailure(error, device);
      }
    },

    updateFirmware: async (params) => {
      const deviceId = textOf(params, 'deviceId');
      const device = house.deviceOf(deviceId);
      const source = await sourceOf(params);
      if (device.otaInProgress)
        throw new AddonError('conflict', `device "${deviceId}" is being updated already`);
      const { ieeeAddr } = device;
      const begun = Promise.withResolvers<void>();
      const onProgress = (progress: number, remaining: number) => {
        begun.resolve();
        receiver.note(ieeeAddr, {
          update: {
            state: 'updating',
            progress: Math.round(progress),
            ...(Number.isFinite(remaining) ? { remaining: Math.round(remaining) } : {}),
          },
        });
      };
      const work = device.updateOta(
        source,
        undefined,
        undefined,
        (await extraMetas(device)) as never,
        onProgress,
        { ...DATA_SETTINGS },
      );
      const ended = work.then(([from, to]) => {
        receiver.note(ieeeAddr, { update: { state: 'idle', installed_version: (to ?? from).fileVersion } });
        return to ? 'updated' : 'upToDate';
      });
      ended.catch((error: Error) => {
        log.error(`the firmware of device ${deviceId} was not updated: ${error.message}`);
        receiver.note(ieeeAddr, { update: { state: 'failed', reason: error.message } });
      });
      try {
        const state = await Promise.race([
          ended,
          begun.promise.then(() => 'updating'),
          pause(BEGIN_MS, 'waiting', { ref: false }),
        ]);
        return { deviceId, state };
      } catch (error) {
        throw firmwareFailure(error, device);
      }
    },
  };
}

/** @throws AddonError when it is no index, or would lead to the Internet */
function checkIndex(path: string): void {
  let entries: unknown;
  try {
    entries = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new AddonError('badRequest', `the index of firmware is not JSON: ${(error as Error).message}`);
  }
  const isLocal = (entry: { url?: unknown } | null) =>
    typeof entry?.url === 'string' && !/^[a-z]+:\/\//i.test(entry.url);
  if (!Array.isArray(entries) || !entries.every(isLocal)) {
    throw new AddonError(
      'badRequest',
      'the index of firmware must be a list of entries whose "url" is the name of a file here',
      {
        hint: 'download the files once, and name them in the index without http://',
      },
    );
  }
}

function firmwareFailure(error: unknown, device: Models.Device): AddonError {
  const words = (error as Error).message ?? '';
  const what = device.modelID ?? device.ieeeAddr;
  if (/No endpoint found with OTA/.test(words)) {
    return new AddonError('badRequest', `the ${what} takes no firmware over the air`, { cause: error });
  }
  if (/didn't respond to OTA/.test(words)) {
    return new AddonError('unreachable', `the ${what} does not answer that it may be updated`, {
      hint: 'is it powered and near? A battery device must be awake: press its button while you send this',
      cause: error,
    });
  }
  return commandFailure(error, { what, sleepy: false });
}
