/** What is damaged is never deleted: it is set aside under a dated name, beside the place it had. */
import { existsSync } from 'node:fs';

/** A name that nothing has yet, also where the clock stands still. @param now milliseconds since 1970 */
export function damagedName(path: string, now: number): string {
  const dated = `${path}.damaged-${new Date(now).toISOString().replaceAll(':', '-')}`;
  let name = dated;
  for (let n = 2; existsSync(name); n += 1) name = `${dated}-${n}`;
  return name;
}
