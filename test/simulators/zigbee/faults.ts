/** Where a device breaks, and how. */

/** Where in its life with a coordinator a device can be told to break; `simpleDescriptor:2` is that of endpoint 2. */
export type Step =
  | 'everything'
  | 'nodeDescriptor'
  | 'activeEndpoints'
  | 'simpleDescriptor'
  | `simpleDescriptor:${number}`
  | 'basicRead'
  | 'read'
  | 'write'
  | 'command'
  | 'bind'
  | 'configureReporting'
  | 'iasEnrol'
  | 'leaveRequest'
  | 'imageBlock';

/** `mute`: no answer · `refuse`: an answer that says no · `leave`: leaves the network instead of answering */
export type Fault = 'mute' | 'refuse' | 'leave';

export class Faults {
  readonly #faults = new Map<Step, { fault: Fault; times: number }>();

  /** @param times how often, before the device behaves again */
  set(step: Step, fault: Fault = 'mute', times = Number.POSITIVE_INFINITY): void {
    this.#faults.set(step, { fault, times });
  }

  mend(): void {
    this.#faults.clear();
  }

  /** @returns what is wrong at the step, and counts it as having happened */
  at(step: Step): Fault | undefined {
    const found = this.#faults.get(step);
    if (!found) return undefined;
    found.times -= 1;
    if (found.times <= 0) this.#faults.delete(step);
    return found.fault;
  }
}
