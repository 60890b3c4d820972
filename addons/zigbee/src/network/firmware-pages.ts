/**
 * A device may ask for firmware by page (ZCL 8, 11.13.7), always of the same size: the last page reaches past the image.
 * The library would send empty blocks for the rest of it without end, and a block that does not arrive again and again.
 * Here a page ends with the image, and with the first block that does not arrive: the device asks for what it lacks.
 */
import { createRequire } from 'node:module';

interface PageRequest {
  fileOffset: number;
}
interface OtaSession {
  image: { raw: Buffer };
  sendImageBlockResponse(
    request: PageRequest,
    tsn: number,
    pageOffset: number,
    pageSize: number,
    abort: boolean,
  ): Promise<number>;
}
const ENDING = Symbol('pages end with the image');

/** Once in a process; a second call changes nothing. @throws Error when the library is not the version this is for */
export function endPagesWithTheImage(): void {
  const require = createRequire(import.meta.url);
  const { OtaSession } = require('zigbee-herdsman/dist/controller/helpers/ota.js');
  const prototype: OtaSession & { [ENDING]?: true } = OtaSession.prototype;
  if (prototype[ENDING]) return;
  const send = prototype.sendImageBlockResponse;
  if (typeof send !== 'function') throw new Error('zigbee-herdsman answers for firmware elsewhere now');
  prototype[ENDING] = true;
  prototype.sendImageBlockResponse = async function ending(request, ...rest) {
    const [, pageOffset, pageSize] = rest;
    if (pageSize > 0 && request.fileOffset + pageOffset >= this.image.raw.length) return pageSize;
    const next = await send.call(this, request, ...rest);
    return next === pageOffset ? pageSize : next;
  };
}
