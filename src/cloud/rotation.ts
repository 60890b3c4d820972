/**
 * A new certificate on the cloud's request: the key is made on the box and never leaves it, the request for the
 * certificate goes out, the certificate comes in, and is tried beside the connection there is. Only when the link is
 * whole with it are the files swapped; until then, and when it fails, those before are used on. A swap that a power
 * cut interrupts is finished at the next start; where the new pair is damaged by then, the one before is put back.
 */
import { generateKeyPair, X509Certificate } from 'node:crypto';
import { access, constants, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GatewayError, reasonOf } from '../model/error.ts';
import type { JsonValue } from '../model/json.ts';
import { exists, finishSwap, swapPair, synced } from './certificate-swap.ts';
import { CERTIFICATE_FILE, checkPair, KEY_FILE, readCredentials } from './credentials.ts';
import { messageOf, putCertificateSchema, requestCertificateSchema } from './messages.ts';
import type { Keys } from './mqtt-wire.ts';
import type { CloudReports } from './reports.ts';
import { signingRequest } from './signing-request.ts';

/** Hidden: who looks after the modes of the files beside it leaves it alone. */
const FOLDER = '.rotation';
const REQUEST_FILE = 'request';
/** The link was whole with the new pair: the swap has begun, and is finished whatever happens. */
const ACCEPTED_FILE = 'accepted';
const newKeyPair = promisify(generateKeyPair);

export interface RotationParts {
  credentialsFolder: string;
  clientId: string;
  reports: CloudReports;
  now: () => number;
  /** @throws GatewayError when the link is not whole with these; the one before goes on then */
  tryOut: (keys: Keys, swap: () => Promise<void>) => Promise<void>;
  /** A swap that was interrupted could not be finished: why, and what is used now. */
  onTrouble: (message: string) => void;
}

export class Rotation {
  readonly #parts: RotationParts;
  readonly #folder: string;
  #isBusy = false;

  constructor(parts: RotationParts) {
    this.#parts = parts;
    this.#folder = join(parts.credentialsFolder, FOLDER);
  }

  /** Finishes a swap that was interrupted, or takes it back; never fails, for the house goes on without the cloud. */
  async start(): Promise<void> {
    const { credentialsFolder, now, onTrouble } = this.#parts;
    try {
      if (!(await exists(join(this.#folder, ACCEPTED_FILE)))) return;
      const trouble = await finishSwap(this.#folder, credentialsFolder, now());
      if (trouble !== undefined) onTrouble(trouble);
    } catch (error) {
      onTrouble(`the new certificate of the cloud could not be put in place: ${(error as Error).message}`);
    }
  }

  /** A new key, and the request for its certificate as a report. One that was begun before is given up. */
  request(value: JsonValue, demandInTime: (deadline?: number) => void): Promise<void> {
    const { requestId, deadline } = messageOf(requestCertificateSchema, value);
    return this.#reporting(requestId, async () => {
      demandInTime(deadline);
      await this.#demandWritable();
      await rm(this.#folder, { recursive: true, force: true });
      await mkdir(this.#folder, { mode: 0o700 });
      const { privateKey } = await newKeyPair('ec', { namedCurve: 'P-256' });
      await write(
        join(this.#folder, KEY_FILE),
        String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
        0o600,
      );
      await write(join(this.#folder, REQUEST_FILE), requestId, 0o600);
      await this.#parts.reports.certificate({
        requestId,
        status: { eventType: 'requested' },
        signingRequest: signingRequest(privateKey, await this.#commonName()),
      });
    });
  }

  /** The certificate to the last request: tried out, and used from then on. */
  put(value: JsonValue, demandInTime: (deadline?: number) => void): Promise<void> {
    const { requestId, certificatePem, deadline } = messageOf(putCertificateSchema, value);
    return this.#reporting(requestId, async () => {
      demandInTime(deadline);
      const expected = await read(join(this.#folder, REQUEST_FILE));
      if (expected !== requestId)
        throw new GatewayError('conflict', 'this is not the certificate that was requested last');
      const key = (await read(join(this.#folder, KEY_FILE))) ?? '';
      const facts = checkPair({ certificate: certificatePem, key, folder: this.#folder });
      if (facts.expiresAt < this.#parts.now())
        throw new GatewayError('badSetting', 'the new certificate has expired already');
      const { authorities } = await readCredentials(this.#parts.credentialsFolder);
      await write(join(this.#folder, CERTIFICATE_FILE), certificatePem, 0o644);
      const swap = async () => {
        await write(join(this.#folder, ACCEPTED_FILE), requestId, 0o600);
        await swapPair(this.#folder, this.#parts.credentialsFolder);
      };
      await this.#parts.tryOut({ certificate: certificatePem, key, authorities }, swap);
      const { fingerprint, expiresAt } = facts;
      await this.#parts.reports.certificate({
        requestId,
        status: { eventType: 'rotated' },
        fingerprint,
        expiresAt,
      });
    });
  }

  /** One at a time; what goes wrong is a report, and leaves nothing behind. */
  async #reporting(requestId: string, work: () => Promise<void>): Promise<void> {
    try {
      if (this.#isBusy) throw new GatewayError('conflict', 'a new certificate is being tried already');
      this.#isBusy = true;
      try {
        await work();
      } catch (error) {
        if (!(await exists(join(this.#folder, ACCEPTED_FILE))))
          await rm(this.#folder, { recursive: true, force: true });
        throw error;
      } finally {
        this.#isBusy = false;
      }
    } catch (error) {
      const status = { eventType: 'failed', reason: { ...reasonOf(error) } };
      await this.#parts.reports.certificate({ requestId, status });
      throw error;
    }
  }

  async #demandWritable(): Promise<void> {
    const { credentialsFolder } = this.#parts;
    await access(credentialsFolder, constants.W_OK | constants.X_OK).catch((cause) => {
      throw new GatewayError('folderUnusable', `${credentialsFolder} cannot be written`, {
        hint: 'give CONFIG_FOLDER to the user that runs gate, or replace the certificate by hand',
        cause,
      });
    });
  }

  /** What the certificate has that is used now: brokers know clients by it. */
  async #commonName(): Promise<string> {
    const { credentialsFolder, clientId } = this.#parts;
    const { certificate } = await readCredentials(credentialsFolder);
    const name: unknown = new X509Certificate(certificate).toLegacyObject().subject?.CN;
    return typeof name === 'string' ? name : clientId;
  }
}

async function write(path: string, text: string, mode: number): Promise<void> {
  {
    await using file = await open(path, 'w', mode);
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  }
  await synced(join(path, '..'));
}

function read(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
