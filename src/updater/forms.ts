/** What requester and updater say to each other, in files: what is asked for, how far it is, how it ended. */
import * as v from 'valibot';

const ID = /^[0-9A-Za-z]{1,32}$/;
/** As Semantic Versioning has it, without build metadata: also the name of a folder. */
export const VERSION = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

export const versionSchema = v.pipe(v.string(), v.maxLength(64), v.regex(VERSION));

/** `archive`: a file in the spool, by its name, its `.sha256` and `.sig` beside it. `staged`: a release on disk. */
export const requestSchema = v.object({
  id: v.pipe(v.string(), v.regex(ID)),
  archive: v.optional(v.pipe(v.string(), v.regex(/^[\w.-]{1,128}$/))),
  staged: v.optional(versionSchema),
  /** The version that was asked for, where one was: the archive has to hold that one. */
  wanted: v.optional(versionSchema),
  /** An older release too; heard from root alone. */
  allowOlder: v.optional(v.boolean(), false),
});
export type UpdateRequest = v.InferOutput<typeof requestSchema>;

/** In their order; the gateway is down from `keeping` on, until it is up in `trying`. */
export const PHASES = [
  'checking',
  'unpacking',
  'keeping',
  'switching',
  'trying',
  'settling',
  'returning',
] as const;
export type Phase = (typeof PHASES)[number];

export const stateSchema = v.object({
  id: v.string(),
  phase: v.picklist(PHASES),
  from: v.string(),
  /** What was asked for, where that was a version. */
  wanted: v.optional(v.string()),
  /** Not known while it is checked. */
  to: v.optional(v.string()),
  /** The store of before is kept: the new release changes its form. */
  kept: v.optional(v.boolean(), false),
  /** Why it goes back. */
  failure: v.optional(v.string()),
});
export type UpdateState = v.InferOutput<typeof stateSchema>;

export const outcomeSchema = v.object({
  id: v.string(),
  from: v.string(),
  /** The release that was asked for, where it is known. */
  version: v.string(),
  /** Why it did not come to that; absent when it runs. */
  failure: v.optional(v.string()),
  /** Milliseconds since 1970. */
  ts: v.number(),
});
export type UpdateOutcome = v.InferOutput<typeof outcomeSchema>;

/** Negative when `a` comes before `b`, as Semantic Versioning (2.0.0, 11) orders them. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [VERSION.exec(a) ?? [], VERSION.exec(b) ?? []];
  for (const part of [1, 2, 3]) {
    const difference = Number(left[part] ?? 0) - Number(right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return comparePreReleases(left[4], right[4]);
}

function comparePreReleases(a: string | undefined, b: string | undefined): number {
  // a release comes after its pre-releases
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const [left, right] = [a.split('.'), b.split('.')];
  for (let place = 0; place < Math.max(left.length, right.length); place += 1) {
    const difference = compareIdentifiers(left[place], right[place]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined);
  const [isNumber, otherIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && otherIsNumber) return Number(a) - Number(b);
  if (isNumber !== otherIsNumber) return isNumber ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
