/**
 * What every cluster answers (ZCL 8, 2.5): reading and writing attributes, configuring and reading reporting,
 * discovering attributes. Each function takes a request's payload and returns the response's.
 */
import { ByteReader, ByteWriter } from '../bytes.ts';
import type { Attribute, Cluster } from './cluster.ts';
import { decodeValue, encodeValue, isAnalog } from './data-types.ts';
import { ZclStatus } from './frame.ts';
import type { Reporting } from './reporting.ts';

type Maker = number | undefined;

export function readAttributes(cluster: Cluster, payload: Buffer, manufacturerCode: Maker): Buffer {
  const reader = new ByteReader(payload);
  const writer = new ByteWriter();
  while (reader.left >= 2) {
    const id = reader.u16();
    const attribute = cluster.attribute(id, manufacturerCode);
    writer.u16(id);
    if (!attribute) writer.u8(ZclStatus.unsupportedAttribute);
    else writer.u8(ZclStatus.success).u8(attribute.type).bytes(encodeValue(attribute.type, attribute.value));
  }
  return writer.done();
}

export function writeAttributes(cluster: Cluster, payload: Buffer, manufacturerCode: Maker): Buffer {
  const reader = new ByteReader(payload);
  const failures = new ByteWriter();
  let failed = false;
  const written: Attribute[] = [];
  while (reader.left >= 3) {
    const id = reader.u16();
    const type = reader.u8();
    const value = decodeValue(type, reader);
    const attribute = cluster.attribute(id, manufacturerCode);
    const status = writeStatus(attribute, type, Number(value));
    if (status !== ZclStatus.success) {
      failures.u8(status).u16(id);
      failed = true;
      continue;
    }
    cluster.set(id, value, manufacturerCode);
    if (attribute) written.push(attribute);
  }
  for (const attribute of written) cluster.onWrite?.(attribute);
  return failed ? failures.done() : Buffer.from([ZclStatus.success]);
}

function writeStatus(attribute: Attribute | undefined, type: number, value: number): number {
  if (!attribute) return ZclStatus.unsupportedAttribute;
  if (!attribute.writable) return ZclStatus.readOnly;
  if (attribute.type !== type) return ZclStatus.invalidDataType;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = attribute;
  return value < min || value > max ? ZclStatus.invalidValue : ZclStatus.success;
}

export function configureReporting(
  cluster: Cluster,
  payload: Buffer,
  manufacturerCode: Maker,
  reporting: Reporting,
): Buffer {
  const reader = new ByteReader(payload);
  const failures = new ByteWriter();
  let failed = false;
  while (reader.left >= 3) {
    const direction = reader.u8();
    const id = reader.u16();
    if (direction !== 0) {
      reader.u16();
      failures.u8(ZclStatus.unreportableAttribute).u8(direction).u16(id);
      failed = true;
      continue;
    }
    const type = reader.u8();
    const minSeconds = reader.u16();
    const maxSeconds = reader.u16();
    const delta = isAnalog(type) ? Number(decodeValue(type, reader)) : 0;
    const attribute = cluster.attribute(id, manufacturerCode);
    const status = attribute
      ? attribute.type === type
        ? ZclStatus.success
        : ZclStatus.invalidDataType
      : ZclStatus.unsupportedAttribute;
    if (status !== ZclStatus.success || !attribute) {
      failures.u8(status).u8(direction).u16(id);
      failed = true;
      continue;
    }
    reporting.configure(attribute, { minSeconds, maxSeconds, delta });
  }
  return failed ? failures.done() : Buffer.from([ZclStatus.success]);
}

export function readReportingConfiguration(
  cluster: Cluster,
  payload: Buffer,
  manufacturerCode: Maker,
  reporting: Reporting,
): Buffer {
  const reader = new ByteReader(payload);
  const writer = new ByteWriter();
  while (reader.left >= 3) {
    const direction = reader.u8();
    const id = reader.u16();
    const attribute = cluster.attribute(id, manufacturerCode);
    const rule = attribute && reporting.rule(attribute);
    if (!attribute || !rule) {
      const status = attribute ? ZclStatus.notFound : ZclStatus.unsupportedAttribute;
      writer.u8(status).u8(direction).u16(id);
      continue;
    }
    writer.u8(ZclStatus.success).u8(direction).u16(id).u8(attribute.type);
    writer.u16(rule.minSeconds).u16(rule.maxSeconds);
    if (isAnalog(attribute.type)) writer.bytes(encodeValue(attribute.type, rule.delta));
  }
  return writer.done();
}

export function discoverAttributes(cluster: Cluster, payload: Buffer, manufacturerCode: Maker): Buffer {
  const reader = new ByteReader(payload);
  const first = reader.u16();
  const count = reader.u8();
  const known = cluster
    .attributes()
    .filter((attribute) => attribute.manufacturerCode === manufacturerCode && attribute.id >= first)
    .sort((left, right) => left.id - right.id);
  const writer = new ByteWriter().u8(known.length > count ? 0 : 1);
  for (const attribute of known.slice(0, count)) writer.u16(attribute.id).u8(attribute.type);
  return writer.done();
}

/** One attribute report's payload. */
export function reportOf(attributes: readonly Attribute[]): Buffer {
  const writer = new ByteWriter();
  for (const { id, type, value } of attributes) writer.u16(id).u8(type).bytes(encodeValue(type, value));
  return writer.done();
}
