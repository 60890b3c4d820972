/** Files that a caller of the API sends for an add-on, where a request is too small for them: an action names them then. */
import { GatewayError } from '../model/error.ts';
import type { AddonUploads, Upload } from './ports.ts';
import type { Protocols } from './protocols.ts';

export class ProtocolUploads {
  readonly #parts: { protocols: Protocols; uploads: AddonUploads };

  constructor(parts: { protocols: Protocols; uploads: AddonUploads }) {
    this.#parts = parts;
  }

  /**
   * @throws GatewayError notFound, conflict (not installed, no process of this gateway), tooLarge, tooManyRequests,
   * unavailable (no room), storeFailed; what `bytes` throws
   */
  keep(protocolId: string, bytes: AsyncIterable<Buffer>): Promise<Upload> {
    const { protocols, uploads } = this.#parts;
    const { manifest } = protocols.installed(protocolId);
    if (!manifest.runtime.process) {
      throw new GatewayError('conflict', `protocol "${manifest.slug}" has no data folder of this gateway`, {
        hint: 'files can be sent for add-ons that the gateway starts as processes',
      });
    }
    return uploads.keep(manifest.slug, bytes);
  }
}
