/** The ZCL frame (ZCL 8, 2.4.1): control, manufacturer code where there is one, sequence number, command, payload. */
import { ByteReader, ByteWriter } from '../bytes.ts';

export interface ZclFrame {
  /** True for commands that every cluster has (read, report …), false for those of one cluster. */
  global: boolean;
  manufacturerCode: number | undefined;
  fromServer: boolean;
  disableDefaultResponse: boolean;
  sequence: number;
  command: number;
  payload: Buffer;
}

/** Global commands (ZCL 8, table 2-3). */
export const Global = {
  read: 0x00,
  readResponse: 0x01,
  write: 0x02,
  writeUndivided: 0x03,
  writeResponse: 0x04,
  writeNoResponse: 0x05,
  configureReporting: 0x06,
  configureReportingResponse: 0x07,
  readReportingConfiguration: 0x08,
  readReportingConfigurationResponse: 0x09,
  report: 0x0a,
  defaultResponse: 0x0b,
  discover: 0x0c,
  discoverResponse: 0x0d,
} as const;

/** Status values (ZCL 8, table 2-12). */
export const ZclStatus = {
  success: 0x00,
  failure: 0x01,
  malformedCommand: 0x80,
  unsupportedClusterCommand: 0x81,
  unsupportedGlobalCommand: 0x82,
  invalidField: 0x85,
  unsupportedAttribute: 0x86,
  invalidValue: 0x87,
  readOnly: 0x88,
  insufficientSpace: 0x89,
  duplicateExists: 0x8a,
  notFound: 0x8b,
  unreportableAttribute: 0x8c,
  invalidDataType: 0x8d,
  abort: 0x95,
  invalidImage: 0x96,
  noImageAvailable: 0x98,
  unsupportedCluster: 0xc3,
} as const;

export function encodeZcl(frame: ZclFrame): Buffer {
  const control =
    (frame.global ? 0 : 1) |
    (frame.manufacturerCode === undefined ? 0 : 0x04) |
    (frame.fromServer ? 0x08 : 0) |
    (frame.disableDefaultResponse ? 0x10 : 0);
  const writer = new ByteWriter().u8(control);
  if (frame.manufacturerCode !== undefined) writer.u16(frame.manufacturerCode);
  return Buffer.concat([writer.u8(frame.sequence).u8(frame.command).done(), frame.payload]);
}

/** @throws RangeError where the frame is cut short */
export function decodeZcl(bytes: Buffer): ZclFrame {
  const reader = new ByteReader(bytes);
  const control = reader.u8();
  const manufacturerCode = control & 0x04 ? reader.u16() : undefined;
  const sequence = reader.u8();
  const command = reader.u8();
  return {
    global: (control & 0x03) === 0,
    manufacturerCode,
    fromServer: (control & 0x08) !== 0,
    disableDefaultResponse: (control & 0x10) !== 0,
    sequence,
    command,
    payload: reader.rest(),
  };
}
