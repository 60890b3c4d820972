/**
 * Where in an answer a value lies: a singular query of JSONPath (RFC 9535, 2.3.5.1), `$.meters[0].power` or
 * `$['a b'][-1]`, or the same without `$.`: `meters.0.power`. A path leads to one value or to none.
 */
import { AddonError, isJsonObject, type JsonValue } from '@gate/addon-sdk';

export const PATH_MAX_CHARS = 500;
export const STEPS_MAX = 32;

type Step = string | number;
export type AttributePath = readonly Step[];

const STEP =
  /\.?([\p{L}\p{N}_:@-]+)|\[(-?\d{1,6})\]|\['((?:[^'\\]|\\['\\])+)'\]|\["((?:[^"\\]|\\["\\])+)"\]/uy;

/** @throws AddonError badRequest */
export function parseAttributePath(path: JsonValue | undefined): AttributePath {
  const wrong = () =>
    new AddonError('badRequest', `${JSON.stringify(path) ?? 'a path'} is no path to a value`, {
      hint: 'for example $.meters[0].power, or meters.0.power',
    });
  if (typeof path !== 'string' || path === '' || path.length > PATH_MAX_CHARS) throw wrong();
  const rooted = path.startsWith('$');
  const steps: Step[] = [];
  for (let at = rooted ? 1 : 0; at < path.length; ) {
    STEP.lastIndex = at;
    const [found, name, index, single, double] = STEP.exec(path) ?? [];
    // without `$` the first name has no dot before it, every other one has
    const begins = at === 0;
    if (found === undefined || (name !== undefined && found.startsWith('.') === begins)) throw wrong();
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name ?? (single ?? double ?? '').replace(/\\(.)/g, '$1'));
    at += found.length;
  }
  if (steps.length > STEPS_MAX) throw wrong();
  return steps;
}

/** The value at `path`; undefined where there is none. Only an answer's own keys count. */
export function valueAt(answer: JsonValue, path: AttributePath): JsonValue | undefined {
  let value: JsonValue | undefined = answer;
  for (const step of path) {
    if (Array.isArray(value)) {
      const index = typeof step === 'number' ? step : /^\d{1,6}$/.test(step) ? Number(step) : undefined;
      value = index === undefined ? undefined : value.at(index);
    } else {
      const key = String(step);
      value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    }
    if (value === undefined) return undefined;
  }
  return value;
}
