/** What EZSP says of a message beside its content: "EmberApsFrame" and, for one that came in, "EmberRxPacketInfo". */
import { type ByteReader, ByteWriter } from '../bytes.ts';

export interface ApsFrame {
  profileId: number;
  clusterId: number;
  sourceEndpoint: number;
  destinationEndpoint: number;
  options: number;
  groupId: number;
  sequence: number;
}

export interface Sender {
  address: number;
  ieee: string;
  linkQuality: number;
}

const NO_INDEX = 0xff;

export function readApsFrame(reader: ByteReader): ApsFrame {
  return {
    profileId: reader.u16(),
    clusterId: reader.u16(),
    sourceEndpoint: reader.u8(),
    destinationEndpoint: reader.u8(),
    options: reader.u16(),
    groupId: reader.u16(),
    sequence: reader.u8(),
  };
}

export function apsBytes(aps: ApsFrame): Buffer {
  return new ByteWriter()
    .u16(aps.profileId)
    .u16(aps.clusterId)
    .u8(aps.sourceEndpoint)
    .u8(aps.destinationEndpoint)
    .u16(aps.options)
    .u16(aps.groupId)
    .u8(aps.sequence)
    .done();
}

/** Binding index, address index, link quality, signal strength, time. */
export function senderBytes({ address, ieee, linkQuality }: Sender): Buffer {
  const strength = Math.round(linkQuality / 4) - 100;
  return new ByteWriter()
    .u16(address)
    .ieee(ieee)
    .bytes([NO_INDEX, NO_INDEX, linkQuality, strength])
    .u32(0)
    .done();
}
