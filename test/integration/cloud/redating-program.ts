/** A store that dates its readings anew, as a program of its own, to be killed. Arguments: the folder, the offset. */
import { openStore } from '../../support/open-store.ts';

const [folder = '', offsetMs = '0'] = process.argv.slice(2);
const { store } = await openStore(folder, { relaying: true }, () => 0);
process.send?.('begun');
await store.redate({ boot: 'first', offsetMs: Number(offsetMs) });
process.send?.('done');
