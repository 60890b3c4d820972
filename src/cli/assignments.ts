/** `state=ON brightness=20`, or one JSON object, as a person types what a device or a protocol is given. */
import { InvalidArgumentError } from 'commander';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';

/** @throws InvalidArgumentError */
export function assignmentsIn(words: readonly string[]): JsonObject {
  const [first = ''] = words;
  if (words.length === 1 && first.trimStart().startsWith('{')) return objectIn(first);
  // "__proto__" is a name like any other here
  return Object.fromEntries(words.map(assignment));
}

function objectIn(text: string): JsonObject {
  try {
    const value = JSON.parse(text) as JsonValue;
    if (isJsonObject(value)) return value;
  } catch (error) {
    throw new InvalidArgumentError(`It is no JSON: ${(error as Error).message}.`);
  }
  throw new InvalidArgumentError('It must be a JSON object.');
}

/** A value that is JSON is that: 20 is a number, true a truth value. All else is text, and "20" in quotes too. */
function assignment(word: string): [string, JsonValue] {
  const at = word.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`"${word}" must be name=value.`);
  const [name, text] = [word.slice(0, at), word.slice(at + 1)];
  try {
    return [name, JSON.parse(text) as JsonValue];
  } catch {
    return [name, text];
  }
}
