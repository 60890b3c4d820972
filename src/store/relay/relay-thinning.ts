/**
 * Decides which readings of a device are sent to the cloud, by the device's rules and by what was sent last. What was
 * sent last is kept in memory: after a start the first reading of a device is sent.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { EVERY_OTHER, type RelayRules, type ThinningRule } from '../../model/relay-rules.ts';

/** Attributes of a device whose last value is kept; further ones are always due. */
const KEPT_MAX = 256;
/** Longer values that are no numbers are not kept: they are always due. */
const TEXT_MAX_CHARS = 256;

interface Sent {
  ts: number;
  /** A number as it is, else its JSON text. */
  value: number | string;
}

export class RelayThinning {
  readonly #rules: ReadonlyMap<string, ThinningRule>;
  readonly #others: ThinningRule | undefined;
  readonly #isExcluded: boolean;
  /** Never changed in place: a mark is the map itself. */
  #sent: ReadonlyMap<string, Sent> = new Map();

  constructor({ excluded = false, thinning = {} }: RelayRules) {
    const { [EVERY_OTHER]: others, ...named } = thinning;
    this.#rules = new Map(Object.entries(named));
    this.#others = others;
    this.#isExcluded = excluded;
  }

  /** Whether the reading is to be sent; then it counts as sent. */
  takes(ts: number, data: JsonObject): boolean {
    if (this.#isExcluded) return false;
    if (this.#rules.size === 0 && !this.#others) return true;
    const ruled = [...this.#ruled(data)];
    if (!ruled.some(({ name, rule, value }) => this.#isDue(rule, this.#sent.get(name), { ts, value })))
      return false;
    const sent = new Map(this.#sent);
    for (const { name, rule, value } of ruled) {
      if (rule && (sent.has(name) || sent.size < KEPT_MAX)) sent.set(name, { ts, value: comparable(value) });
    }
    this.#sent = sent;
    return true;
  }

  /** @returns what takes everything since back: the transaction was rolled back */
  mark(): () => void {
    const sent = this.#sent;
    return () => {
      this.#sent = sent;
    };
  }

  /** Each attribute that decides, with its rule; without one it is always due. */
  *#ruled(data: JsonObject): Generator<{ name: string; rule: ThinningRule | undefined; value: JsonValue }> {
    const within = new Set<string>();
    for (const [name, rule] of this.#rules) {
      const found = find(data, name);
      if (!found) continue;
      within.add(found.top);
      yield { name, rule, value: found.value };
    }
    for (const [name, value] of Object.entries(data)) {
      if (!within.has(name)) yield { name, rule: this.#others, value };
    }
  }

  #isDue(
    rule: ThinningRule | undefined,
    before: Sent | undefined,
    { ts, value }: { ts: number; value: JsonValue },
  ): boolean {
    if (!rule || !before) return true;
    const { minIntervalSeconds, deadband } = rule;
    // a reading that comes late is measured against the later one
    if (minIntervalSeconds !== undefined && Math.abs(ts - before.ts) < minIntervalSeconds * 1_000)
      return false;
    if (deadband === undefined) return true;
    const now = comparable(value);
    if (typeof now === 'number' && typeof before.value === 'number')
      return Math.abs(now - before.value) >= deadband;
    return now !== before.value || (typeof now === 'string' && now.length > TEXT_MAX_CHARS);
  }
}

function comparable(value: JsonValue): number | string {
  return typeof value === 'number' ? value : JSON.stringify(value).slice(0, TEXT_MAX_CHARS + 1);
}

/** By its own name first, then as a path; `top` is the key at the top of the reading under which it lies. */
function find(data: JsonObject, name: string): { top: string; value: JsonValue } | undefined {
  if (Object.hasOwn(data, name)) return { top: name, value: data[name] as JsonValue };
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const top = name.slice(0, dot);
    const inner = Object.hasOwn(data, top) ? data[top] : undefined;
    const found = isJsonObject(inner) ? find(inner, name.slice(dot + 1)) : undefined;
    if (found) return { top, value: found.value };
  }
  return undefined;
}
