/** An OTA file (ZCL 8, 11.4) with made-up contents, for a device to be updated with. */
import { ByteWriter } from './bytes.ts';

const HEADER_BYTES = 56;
const ELEMENT_HEADER_BYTES = 6;
const NAME_BYTES = 32;

export interface OtaImageOptions {
  manufacturerCode: number;
  imageType: number;
  fileVersion: number;
  /** Of the firmware itself. */
  bytes?: number;
}

export function otaImage({
  manufacturerCode,
  imageType,
  fileVersion,
  bytes = 1_000,
}: OtaImageOptions): Buffer {
  const name = Buffer.alloc(NAME_BYTES);
  name.write('simulated firmware');
  const firmware = Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 7) & 0xff));
  return new ByteWriter()
    .u32(0x0beef11e)
    .u16(0x0100)
    .u16(HEADER_BYTES)
    .u16(0)
    .u16(manufacturerCode)
    .u16(imageType)
    .u32(fileVersion)
    .u16(0x0002)
    .bytes(name)
    .u32(HEADER_BYTES + ELEMENT_HEADER_BYTES + bytes)
    .u16(0)
    .u32(bytes)
    .bytes(firmware)
    .done();
}
