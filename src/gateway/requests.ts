/** What is asked of add-ons: pairing, commands, status requests kept for their callers, actions, scans. */
import type { AddonBroker } from '../broker/addon-broker.ts';
import { Commands } from '../core/commands.ts';
import { DeviceImport } from '../core/devices/device-import.ts';
import { DeviceMoves } from '../core/devices/device-moves.ts';
import { Pairing } from '../core/devices/pairing.ts';
import { Scans } from '../core/devices/scans.ts';
import { IdempotentCalls } from '../core/idempotent-calls.ts';
import { Operations } from '../core/operations.ts';
import { ProtocolActions } from '../core/protocols/protocol-actions.ts';
import type { Protocols } from '../core/protocols/protocols.ts';
import type { Ground } from './ground.ts';
import type { House } from './house.ts';

type RequestParts = House & { protocols: Protocols; link: AddonBroker };

export async function startRequests(ground: Ground, parts: RequestParts) {
  const { running, events, logger, now, monotonicNow, newId } = ground;
  const { operationFile, repeatFile, devices, types, projectId, protocols, link } = parts;
  await running.run(
    new DeviceMoves({
      devices,
      events,
      onTrouble: (deviceId, error) =>
        logger.warn({ deviceId, err: error }, 'a new address could not be kept'),
    }),
  );
  const pairing = new Pairing({ devices, link, events, now });
  await pairing.start();
  const repeatable = new IdempotentCalls({
    store: repeatFile,
    monotonicNow,
    now,
    onTrouble: (error) => logger.warn({ err: error }, 'an Idempotency-Key could not be kept for a restart'),
  });
  await repeatable.start();
  const commands = new Commands({ devices, link, events, repeatable, now, monotonicNow });
  const operations = new Operations({
    store: operationFile,
    devices,
    commands,
    projectId,
    now,
    newId,
    onTrouble: (error) => logger.warn({ err: error }, 'the result of a status request could not be kept'),
  });
  await operations.start();
  const deviceImport = new DeviceImport({ protocols, devices, types, pairing, events });
  ground.running.onStop(() => deviceImport.stop());
  return {
    pairing,
    commands,
    operations,
    actions: new ProtocolActions({ protocols, devices, operations, link }),
    scans: new Scans({ protocols, devices, link }),
    deviceImport,
  };
}
