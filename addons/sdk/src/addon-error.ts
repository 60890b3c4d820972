/** The one error by which an add-on tells gate, and through it a person, why something did not work. */
export interface AddonErrorDetails {
  /** What the person can do next. */
  hint?: string | undefined;
  /** HTTP status that the device itself answered, where it speaks HTTP. */
  deviceStatus?: number | undefined;
  cause?: unknown;
}

/**
 * Thrown by a handler, it becomes the request's result `{ok: false, error: {code, message, hint?, deviceStatus?}}`.
 * `code` is stable and camelCase (at most 64 characters; docs/specs/addon-contract.md lists those with a meaning),
 * `message` says what happened and to what. Longer texts than the contract takes are cut.
 */
export class AddonError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly deviceStatus: number | undefined;

  constructor(code: string, message: string, details: AddonErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'AddonError';
    this.code = code;
    this.hint = details.hint;
    this.deviceStatus = details.deviceStatus;
  }
}
