/** MT UTIL and APP_CNF, as far as hosts use them ("MT API", sections 3.9 and 3.14). */
import { type ByteReader, ByteWriter } from '../bytes.ts';
import { DeviceState, Status } from './numbers.ts';
import type { Reply } from './reply.ts';
import { status } from './system-commands.ts';
import type { ZStackCoordinator } from './z-stack-coordinator.ts';

const NO_ADDRESS = 0xfffe;
const NO_RELATION = 0xff;
const FORMATION = 0x04;
const HASHED = 0x02;

export function utilCommand(
  coordinator: ZStackCoordinator,
  command: number,
  reader: ByteReader,
): Buffer | undefined {
  switch (command) {
    case 0x00: {
      const running = coordinator.state === DeviceState.coordinator;
      const writer = new ByteWriter()
        .u8(Status.success)
        .ieee(coordinator.ieee)
        .u16(running ? 0 : NO_ADDRESS);
      return writer.bytes([0x07, coordinator.state, 0]).done();
    }
    case 0x06:
    case 0x0a:
      return status(Status.success);
    case 0x4a: {
      const entry = coordinator.store.address(reader.ieee());
      const node = entry && coordinator.air.devices.get(entry.ieee);
      if (!entry || !node) return new ByteWriter().u16(NO_ADDRESS).u16(NO_ADDRESS).u8(NO_RELATION).done();
      // 1: a child that sleeps · 2: one that listens · 3: a neighbour that routes
      const relation = node.kind.router ? 3 : node.capabilities & 0x08 ? 2 : 1;
      return new ByteWriter().u16(entry.address).u16(0).u8(relation).done();
    }
    case 0x63:
    case 0x64:
      return status(Status.success);
    default:
      return undefined;
  }
}

export function configurationCommand(
  coordinator: ZStackCoordinator,
  command: number,
  reader: ByteReader,
): Reply | undefined {
  switch (command) {
    case 0x04: {
      const hashed = reader.u8() === HASHED;
      const ieee = reader.ieee();
      coordinator.installCodes.set(ieee, { hashed, bytes: Buffer.from(reader.rest()) });
      return { response: status(Status.success) };
    }
    case 0x05: {
      const mode = reader.u8();
      const after = () => {
        if (mode === FORMATION) coordinator.form();
      };
      return { response: status(Status.success), after };
    }
    case 0x08:
    case 0x09:
      return { response: status(Status.success) };
    default:
      return undefined;
  }
}
