/** What is told of readings that were dated anew. Pure. */
import type { Redated } from '../ports.ts';

export function redatedWords({ count, estimated }: Redated): string {
  const nearly =
    estimated === 0
      ? ''
      : ` (${estimated} of them as late as they can have been: the box was restarted before its clock was right)`;
  return `${count} reading${count === 1 ? ' was' : 's were'} dated anew${nearly}`;
}
