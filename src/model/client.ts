/** A client of the API: who it is, what it may do, and how its secret is recognised. No secret is kept, only its hash. */
import * as v from 'valibot';

/** What a token may be used for, each holding what stands before it. */
export const SCOPES = ['read', 'control', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

const NAME = 'must be 1 to 64 characters';
const SCOPE_LIST = `must be a list of at least one of ${SCOPES.join(', ')}`;

/** What a caller says of a new client. */
export const newClientSchema = v.object(
  {
    name: v.pipe(v.string(NAME), v.trim(), v.minLength(1, NAME), v.maxLength(64, NAME)),
    scopes: v.pipe(
      v.array(v.picklist(SCOPES, `may be ${SCOPES.join(', ')}`), SCOPE_LIST),
      v.minLength(1, SCOPE_LIST),
      v.maxLength(SCOPES.length, SCOPE_LIST),
      v.transform((scopes) => SCOPES.filter((scope) => scopes.includes(scope))),
    ),
  },
  'must be an object with name and scopes',
);
export type NewClient = v.InferOutput<typeof newClientSchema>;

/** RFC 7914; the parameters stay with each hash, so that later ones may be others. */
export const secretHashSchema = v.object({
  N: v.number(),
  r: v.number(),
  p: v.number(),
  /** base64url, as `hash` is. */
  salt: v.string(),
  hash: v.string(),
});
export type SecretHash = v.InferOutput<typeof secretHashSchema>;

/** A client as the store keeps it. */
export const clientRecordSchema = v.object({
  clientId: v.string(),
  name: v.string(),
  scopes: v.array(v.picklist(SCOPES)),
  /** Milliseconds since 1970, as `lastUsedAt` is. */
  createdAt: v.number(),
  /** Its last log-in. */
  lastUsedAt: v.optional(v.number()),
  /** Tokens of another version are void. */
  tokenVersion: v.number(),
  secret: secretHashSchema,
});
export type ClientRecord = v.InferOutput<typeof clientRecordSchema>;

/** A client as callers see it. */
export type Client = Omit<ClientRecord, 'secret' | 'tokenVersion'>;

/** Whether who holds `scopes` may do what `wanted` stands for: `admin` holds `control`, `control` holds `read`. */
export function covers(scopes: readonly Scope[], wanted: Scope): boolean {
  return scopes.some((scope) => SCOPES.indexOf(scope) >= SCOPES.indexOf(wanted));
}
