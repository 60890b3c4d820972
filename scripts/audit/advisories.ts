/**
 * Known weaknesses out of a folder of advisories in the OSV form (https://ossf.github.io/osv-schema), one JSON file each:
 * a clone of github.com/github/advisory-database, or npm's archive of osv.dev unpacked. Needs no network.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareVersions } from '../../src/updater/forms.ts';

/** A package as it is installed. */
export interface Installed {
  name: string;
  version: string;
}

export interface Weakness extends Installed {
  /** `GHSA-…` */
  id: string;
  title: string;
}

interface Event {
  introduced?: string;
  fixed?: string;
  last_affected?: string;
}
interface Affected {
  package?: { ecosystem?: string; name?: string };
  ranges?: { type?: string; events?: Event[] }[];
  versions?: string[];
  database_specific?: { last_known_affected_version_range?: string };
}
export interface Advisory {
  id: string;
  summary?: string;
  withdrawn?: string;
  affected?: Affected[];
}

/** @throws Error for a folder without any */
export function weaknessesIn(
  folder: string,
  installed: readonly Installed[],
): { advisories: number; found: Weakness[] } {
  const names = new Map<string, Installed[]>();
  for (const each of installed) names.set(each.name, [...(names.get(each.name) ?? []), each]);
  const found: Weakness[] = [];
  let advisories = 0;
  for (const path of globSync('**/*.json', { cwd: folder })) {
    const advisory = JSON.parse(readFileSync(join(folder, path), 'utf8')) as Advisory;
    if (!advisory.affected?.some((affected) => affected.package?.ecosystem === 'npm')) continue;
    advisories += 1;
    for (const { package: its } of advisory.affected)
      for (const each of names.get(its?.name ?? '') ?? [])
        if (
          isAffected(advisory, each) &&
          !found.some((weak) => weak.id === advisory.id && isSame(weak, each))
        )
          found.push({ ...each, id: advisory.id, title: advisory.summary ?? '' });
  }
  if (advisories === 0) throw new Error(`${folder} holds no advisories of npm's packages in the OSV form`);
  return { advisories, found };
}

const isSame = (one: Installed, other: Installed) => one.name === other.name && one.version === other.version;

export function isAffected({ affected = [], withdrawn }: Advisory, { name, version }: Installed): boolean {
  if (withdrawn !== undefined) return false;
  return affected.some((each) => {
    if (each.package?.ecosystem !== 'npm' || each.package.name !== name) return false;
    if (each.versions?.includes(version)) return true;
    const last = each.database_specific?.last_known_affected_version_range;
    if (last !== undefined && !lies(version, last)) return false;
    return (each.ranges ?? []).some(({ type, events = [] }) => type !== 'GIT' && isWithin(version, events));
  });
}

/** As the schema's own algorithm has it. */
function isWithin(version: string, events: readonly Event[]): boolean {
  const at = (event: Event) => event.introduced ?? event.fixed ?? event.last_affected ?? '0';
  let inside = false;
  for (const event of events.toSorted((one, other) => compare(at(one), at(other)))) {
    const order = compare(version, at(event));
    if (event.introduced !== undefined && order >= 0) inside = true;
    else if (event.fixed !== undefined && order >= 0) inside = false;
    else if (event.last_affected !== undefined && order > 0) inside = false;
  }
  return inside;
}

/** `< 1.2.3`, `<= 1.2.3` */
function lies(version: string, range: string): boolean {
  const [, sign, bound = ''] = /^(<=?)\s*(\S+)$/.exec(range) ?? [];
  if (sign === undefined) return true;
  const order = compare(version, bound);
  return sign === '<' ? order < 0 : order <= 0;
}

/** Advisories also name versions as `1.2`. */
function compare(one: string, other: string): number {
  return compareVersions(whole(one), whole(other));
}

function whole(version: string): string {
  const [, numbers = '0', rest = ''] = /^v?([\d.]+)(.*)$/.exec(version) ?? [];
  return `${[...numbers.split('.'), '0', '0'].slice(0, 3).join('.')}${rest}`;
}
