/** What the API is told by the configuration. */
export type AnonymousAccess = 'none' | 'read' | 'all';

export interface ApiSettings {
  /** Where the LAN is served; absent while `ON_PREMISE_ENABLED` is off. Port 0 takes any free one. */
  lan?: { bind: string; port: number } | undefined;
  /** Path of `gate.sock`: who can open it has full rights. */
  socketPath: string;
  /** What a caller from the LAN may do without a token. */
  anonymous: AnonymousAccess;
  /** Browser origins that may read answers and socket events. */
  corsOrigins: readonly string[];
  /** Names under which the box is reached, besides its own. */
  allowedHosts?: readonly string[] | undefined;
}
