/** What is put to the test is what is shipped; imported before anything that looks for it. */
import { resolve } from 'node:path';

/** What `npm run build` makes. */
export const BUILT = resolve(import.meta.dirname, '../../dist');
process.env['GATE_BUILT'] = BUILT;
