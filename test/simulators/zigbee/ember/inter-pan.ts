/**
 * Frames outside of any network, as Touchlink has them: EZSP hands them over whole, from the MAC header on (IEEE 802.15.4,
 * 7.2; Zigbee Cluster Library, 13.2, "stub" network and APS headers).
 */
import { type ByteReader, ByteWriter } from '../bytes.ts';

const DESTINATION_IS_LONG = 0x0400;
/** A data frame from a long address to a long one. */
const LONG_TO_LONG = 0xcc01;
const STUB_NETWORK = 0x000b;
const STUB_UNICAST = 0x03;
const NO_PAN = 0xffff;

export interface InterPanFrame {
  /** Undefined where it is for all. */
  to: string | undefined;
  clusterId: number;
  profileId: number;
  data: Buffer;
}

export function readInterPan(reader: ByteReader): InterPanFrame {
  const control = reader.u16();
  // sequence, PAN
  reader.bytes(1 + 2);
  const isLong = (control & DESTINATION_IS_LONG) !== 0;
  const to = isLong ? reader.ieee() : undefined;
  if (!isLong) reader.u16();
  // PAN and address of the sender, network control, APS control
  reader.bytes(2 + 8 + 2 + 1);
  return { to, clusterId: reader.u16(), profileId: reader.u16(), data: reader.rest() };
}

export function interPanBytes(from: string, frame: InterPanFrame & { to: string }): Buffer {
  return new ByteWriter()
    .u16(LONG_TO_LONG)
    .u8(0)
    .u16(NO_PAN)
    .ieee(frame.to)
    .u16(NO_PAN)
    .ieee(from)
    .u16(STUB_NETWORK)
    .u8(STUB_UNICAST)
    .u16(frame.clusterId)
    .u16(frame.profileId)
    .bytes(frame.data)
    .done();
}
