/**
 * Logins of add-ons that somebody else starts: a token for each, made at random and shown once. Kept is its scrypt
 * hash, with the protocol's installation; it counts until it is renewed, revoked or the protocol removed.
 */
import { GatewayError } from '../../model/error.ts';
import { SecretHasher } from '../clients/secret-hash.ts';
import type { AddonCredentials, AddonLogin, ExternalLoginCheck } from '../ports.ts';
import { isExternal } from './addon-package.ts';
import type { Protocols } from './protocols.ts';

export class ExternalLogins implements ExternalLoginCheck {
  readonly #protocols: Protocols;
  readonly #credentials: AddonCredentials;
  readonly #hasher = new SecretHasher();

  constructor(parts: { protocols: Protocols; credentials: AddonCredentials }) {
    this.#protocols = parts.protocols;
    this.#credentials = parts.credentials;
  }

  /**
   * A new token; the one before is void and its connection is ended.
   * @throws GatewayError notFound, conflict (not installed, or started by gate itself), tooManyRequests
   */
  async renew(protocolId: string): Promise<AddonLogin> {
    const slug = this.#external(protocolId);
    const token = this.#hasher.newSecret();
    await this.#protocols.records.setLogin(slug, await this.#hasher.hash(token));
    this.#credentials.revoke(slug);
    return { brokerUrl: this.#credentials.brokerUrl, addon: slug, token };
  }

  /** The token is void, its connection ended. Throws as `renew`. */
  async revoke(protocolId: string): Promise<void> {
    const slug = this.#external(protocolId);
    await this.#protocols.records.setLogin(slug, undefined);
    this.#credentials.revoke(slug);
  }

  async admits(slug: string, token: string): Promise<boolean> {
    const login = this.#protocols.records.login(slug);
    // nobody's name is looked for in vain at the price of a hash: slugs are no secret
    if (login === undefined) return false;
    const same = await this.#hasher.matches(token, login).catch(() => false);
    // renewed or revoked meanwhile
    return same && this.#protocols.records.login(slug) === login;
  }

  #external(protocolId: string): string {
    const { manifest } = this.#protocols.installed(protocolId);
    if (isExternal(manifest)) return manifest.slug;
    throw new GatewayError('conflict', `gate itself starts the add-on of protocol "${manifest.slug}"`, {
      hint: 'it is given a new token at each start; only a program that others start needs one of its own',
    });
  }
}
