/** Whether what one address tells can be read as what another one is written with. */
import { datapointType } from '../dpt/datapoint-type.ts';

const BOOLEAN = /^1\b/;
/** Told of a switch: on and off, or active and not. */
const SWITCH = /^1(\.001|\.011|$)/;

/** A state without a type of its own is of the type of what it tells. */
export function sameValue(command: string | undefined, state: string | undefined): boolean {
  if (command === undefined) return false;
  try {
    const [to, from] = [datapointType(command).id, state === undefined ? undefined : datapointType(state).id];
    if (from === undefined || to === from) return true;
    // of up and down, open and closed another bit tells another thing
    if (BOOLEAN.test(to)) return SWITCH.test(to) && SWITCH.test(from);
    return to.split('.')[0] === from.split('.')[0] && !to.includes('.');
  } catch {
    return false;
  }
}
