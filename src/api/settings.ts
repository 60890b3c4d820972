/** What the API is told by the configuration. */
import type { GatewayIdentity } from './views/cloud-view.ts';

export type AnonymousAccess = 'none' | 'read' | 'all';

/** REST requests and handshakes of sockets a second, for long; 0 for no limit. */
export interface RateLimits {
  /** Of one client, by its token. */
  clientPerSecond: number;
  /** Of all callers without a token at one address. */
  anonymousPerSecond: number;
}

/** The API's line in `/health/ready`. */
export const HEALTH_PART = 'api';

export interface ApiSettings {
  /** Of gate itself. */
  version?: string | undefined;
  /** Of this machine, as Node calls it. */
  architecture?: string | undefined;
  /** When the gateway was started, in milliseconds since 1970. */
  startedAt?: number | undefined;
  /** Where the LAN is served; absent while `ON_PREMISE_ENABLED` is off. Port 0 takes any free one. */
  lan?: { bind: string; port: number } | undefined;
  /** Path of `gate.sock`: who can open it has full rights. */
  socketPath: string;
  /** What a caller from the LAN may do without a token. */
  anonymous: AnonymousAccess;
  rateLimits: RateLimits;
  /** What events say of this gateway itself; `principal` changes when its certificate is replaced. */
  identity: Pick<GatewayIdentity, 'principal' | 'retentionDays'>;
  /** Browser origins that may read answers and socket events. */
  corsOrigins: readonly string[];
  /** Names under which the box is reached, besides its own. */
  allowedHosts?: readonly string[] | undefined;
}
