/** What of a device's readings goes to the cloud. What is stored does not depend on it. */
import * as v from 'valibot';

/** Attributes of one device that may have a rule. */
export const THINNED_ATTRIBUTES_MAX = 64;
const ATTRIBUTE_MAX_CHARS = 128;
/** A week. */
const INTERVAL_MAX_SECONDS = 604_800;
/** In place of a name: every attribute at the top of a reading that no rule names. */
export const EVERY_OTHER = '*';

const DEADBAND_MIN = 0.000_001;

const INTERVAL = `must be a number of seconds from 1 to ${INTERVAL_MAX_SECONDS}`;
const DEADBAND = `must be a number of at least ${DEADBAND_MIN}`;
const RULE = 'must have minIntervalSeconds, deadband, or both';

const thinningRuleSchema = v.pipe(
  v.object({
    /** Least time between two readings that are sent because of this attribute. */
    minIntervalSeconds: v.optional(
      v.pipe(v.number(INTERVAL), v.minValue(1, INTERVAL), v.maxValue(INTERVAL_MAX_SECONDS, INTERVAL)),
    ),
    /** Least change against what was sent last; of what is no number, any change. */
    deadband: v.optional(v.pipe(v.number(DEADBAND), v.minValue(DEADBAND_MIN, DEADBAND))),
  }),
  v.check((rule) => rule.minIntervalSeconds !== undefined || rule.deadband !== undefined, RULE),
);
export type ThinningRule = v.InferOutput<typeof thinningRuleSchema>;

export const relayRulesSchema = v.object({
  /** Nothing of this device goes to the cloud. */
  excluded: v.optional(v.boolean('must be true or false')),
  /**
   * A reading is sent, whole, when one of its attributes is due by its rule, or has none. Names are keys, or paths as
   * `a.b`.
   */
  thinning: v.optional(
    v.pipe(
      v.record(
        v.pipe(
          v.string(),
          v.minLength(1, 'an attribute has a name'),
          v.maxLength(ATTRIBUTE_MAX_CHARS, `an attribute has at most ${ATTRIBUTE_MAX_CHARS} characters`),
        ),
        thinningRuleSchema,
      ),
      v.check(
        (rules) => Object.keys(rules).length <= THINNED_ATTRIBUTES_MAX,
        `must have at most ${THINNED_ATTRIBUTES_MAX} attributes`,
      ),
    ),
  ),
});
export type RelayRules = v.InferOutput<typeof relayRulesSchema>;
