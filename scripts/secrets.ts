/**
 * `npm run check:secrets`: looks for secrets in every version of every file that this repository has ever had, and in the
 * words of its commits. The unit tests look at the files as they are. Exit code 1 where something looks like one.
 */
import { secretsInHistory } from './secrets/history.ts';

/** Looked at by a person: what looks like a secret and is none, by the content it stands in. */
const NONE: Readonly<Record<string, string>> = {
  '926091121ecc': 'an address at example.com in a test, with "user" and "word"',
};

const { texts, secrets } = await secretsInHistory('.');
const open = secrets.filter((line) => !Object.keys(NONE).some((id) => line.includes(`(${id})`)));
for (const secret of open) console.error(secret);
const outcome = open.length === 0 ? 'no secret' : `${open.length} that look like one`;
console.log(`${texts} texts of the history: ${outcome}`);
process.exitCode = open.length === 0 ? 0 : 1;
