/** Files that a caller of the API sends for an add-on, where a request is too small for them: an action names them then. */
import { GatewayError } from '../../model/error.ts';
import type { AddonUploads, Upload } from '../ports.ts';
import type { Protocols } from './protocols.ts';

export class ProtocolUploads {
  readonly #parts: { protocols: Protocols; uploads: AddonUploads };

  constructor(parts: { protocols: Protocols; uploads: AddonUploads }) {
    this.#parts = parts;
  }

  /**
   * @throws GatewayError notFound, conflict (not installed, not run by this gateway, or its container takes no files),
   * tooLarge, tooManyRequests, unavailable (no room), storeFailed; what `bytes` throws
   */
  keep(protocolId: string, bytes: AsyncIterable<Buffer>): Promise<Upload> {
    const { protocols, uploads } = this.#parts;
    const { manifest } = protocols.installed(protocolId);
    const { slug, runtime } = manifest;
    if (protocols.records.container(slug)) {
      if (runtime.container?.uploads) return uploads.keep(slug, bytes, 'container');
      throw new GatewayError('conflict', `the container of protocol "${slug}" takes no files`, {
        hint: 'its add-on has to ask for them: "uploads": true in "runtime.container" of its manifest',
      });
    }
    if (runtime.process) return uploads.keep(slug, bytes, 'process');
    throw new GatewayError('conflict', `protocol "${slug}" has no data folder of this gateway`, {
      hint: 'files can be sent for add-ons that the gateway runs itself',
    });
  }
}
