/**
 * OTA upgrade (0x0019, ZCL 8, 11) as a device has it: it asks for an image, fetches it by block or by page, and applies
 * it.
 */
import { ByteReader, ByteWriter } from '../../bytes.ts';
import type { ClientCluster } from '../client.ts';
import { type ZclFrame, ZclStatus } from '../frame.ts';

export const OTA = 0x0019;
const FILE_IDENTIFIER = 0x0beef11e;
const BLOCK_BYTES = 64;
const RETRY_MS = 500;
/** Between two blocks of a page, as the device asks the server for. */
const PAGE_SPACING_MS = 10;
const Command = {
  imageNotify: 0x00,
  queryNextImage: 0x01,
  queryNextImageResponse: 0x02,
  imageBlock: 0x03,
  imagePage: 0x04,
  imageBlockResponse: 0x05,
  upgradeEnd: 0x06,
  upgradeEndResponse: 0x07,
};

export interface OtaHost {
  readonly manufacturerCode: number;
  /** @param sequence of the command that this answers */
  send(command: number, payload: Buffer): void;
  /** True where the device is told to stop asking for blocks. */
  stuck(): boolean;
  /** The new firmware runs. */
  upgraded(fileVersion: number): void;
}

interface Download {
  imageType: number;
  fileVersion: number;
  size: number;
  bytes: Buffer;
  filled: number;
  /** Up to here blocks come by themselves. */
  pageEnd: number;
}

export class OtaClient implements ClientCluster {
  readonly id = OTA;
  readonly imageType: number;
  fileVersion: number;
  /** It asks for so much at a time (ZCL 8, 11.13.7), for single blocks only where one is missing; 0: block by block. */
  pageBytes = 0;
  /** Pages that it has asked for. */
  pagesAsked = 0;
  /** Block responses that have come, wanted or not. */
  blocksReceived = 0;
  readonly #host: OtaHost;
  #download: Download | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(imageType: number, fileVersion: number, host: OtaHost) {
    this.imageType = imageType;
    this.fileVersion = fileVersion;
    this.#host = host;
  }

  /** Share of the image that has come, 0 to 1; undefined while nothing is fetched. */
  get progress(): number | undefined {
    return this.#download && this.#download.filled / this.#download.size;
  }

  /** Asks by itself, as devices do once a day. */
  query(): void {
    const payload = new ByteWriter()
      .u8(0)
      .u16(this.#host.manufacturerCode)
      .u16(this.imageType)
      .u32(this.fileVersion);
    this.#host.send(Command.queryNextImage, payload.done());
  }

  receive(frame: ZclFrame): number | undefined {
    const reader = new ByteReader(frame.payload);
    switch (frame.command) {
      case Command.imageNotify:
        this.query();
        return ZclStatus.success;
      case Command.queryNextImageResponse:
        this.#offered(reader);
        return ZclStatus.success;
      case Command.imageBlockResponse:
        this.#block(reader);
        return ZclStatus.success;
      case Command.upgradeEndResponse:
        this.#apply(reader);
        return ZclStatus.success;
      default:
        return undefined;
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#download = undefined;
  }

  #offered(reader: ByteReader): void {
    if (reader.u8() !== ZclStatus.success) return;
    reader.u16();
    const imageType = reader.u16();
    const fileVersion = reader.u32();
    const size = reader.u32();
    this.#download = { imageType, fileVersion, size, bytes: Buffer.alloc(size), filled: 0, pageEnd: 0 };
    this.#askNext();
  }

  #askNext(): void {
    if (this.pageBytes > 0) this.#askForPage();
    else this.#askForBlock();
  }

  #askForBlock(): void {
    const download = this.#download;
    if (!download || this.#host.stuck()) return;
    this.#host.send(Command.imageBlock, this.#wanted(download).done());
    this.#askAgainLater();
  }

  /** Of the same size to the end, as devices ask: the last page may reach past the image. */
  #askForPage(): void {
    const download = this.#download;
    if (!download || this.#host.stuck()) return;
    download.pageEnd = download.filled + this.pageBytes;
    this.pagesAsked += 1;
    this.#host.send(
      Command.imagePage,
      this.#wanted(download).u16(this.pageBytes).u16(PAGE_SPACING_MS).done(),
    );
    this.#askAgainLater();
  }

  #wanted({ imageType, fileVersion, filled }: Download): ByteWriter {
    const payload = new ByteWriter().u8(0).u16(this.#host.manufacturerCode).u16(imageType);
    return payload.u32(fileVersion).u32(filled).u8(BLOCK_BYTES);
  }

  /** A block that is lost is asked for again, by itself. */
  #askAgainLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#askForBlock(), RETRY_MS).unref();
  }

  #block(reader: ByteReader): void {
    this.blocksReceived += 1;
    const download = this.#download;
    const status = reader.u8();
    if (!download) return;
    if (status === ZclStatus.abort) {
      this.stop();
      return;
    }
    if (status !== ZclStatus.success) return;
    reader.u32();
    reader.u32();
    const offset = reader.u32();
    const data = reader.bytes(reader.u8());
    if (offset === download.filled) {
      data.copy(download.bytes, offset);
      download.filled += data.length;
    }
    if (download.filled >= download.size) this.#finish(download);
    else if (download.filled < download.pageEnd) this.#askAgainLater();
    else this.#askNext();
  }

  #finish(download: Download): void {
    clearTimeout(this.#timer);
    const valid =
      download.bytes.readUInt32LE(0) === FILE_IDENTIFIER &&
      download.bytes.readUInt16LE(10) === this.#host.manufacturerCode &&
      download.bytes.readUInt16LE(12) === this.imageType;
    const status = valid ? ZclStatus.success : ZclStatus.invalidImage;
    const payload = new ByteWriter().u8(status).u16(this.#host.manufacturerCode).u16(download.imageType);
    this.#host.send(Command.upgradeEnd, payload.u32(download.fileVersion).done());
    if (!valid) this.#download = undefined;
  }

  #apply(reader: ByteReader): void {
    const download = this.#download;
    if (!download) return;
    reader.u32();
    reader.u32();
    const currentSeconds = reader.u32();
    const upgradeSeconds = reader.u32();
    const inMs = Math.max(0, upgradeSeconds - currentSeconds) * 1000;
    this.#timer = setTimeout(() => {
      this.#download = undefined;
      this.fileVersion = download.fileVersion;
      this.#host.upgraded(download.fileVersion);
    }, inMs).unref();
  }
}
