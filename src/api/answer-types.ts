/** What an answer may be besides JSON, by path: asked before there is a route, so that 406 comes in one form. */

export const JSON_TYPE = 'application/json';
export const CSV_TYPE = 'text/csv';

const DEVICE_HISTORY = /^\/history\/device\/[^/]+\/history\/?$/;

/** The first is what a caller gets who takes any. */
export function answerTypesAt(path: string): readonly [string, ...string[]] {
  return DEVICE_HISTORY.test(path) ? [JSON_TYPE, CSV_TYPE] : [JSON_TYPE];
}
