/** What looks like a secret in a text: by the rules of secretlint, and by two kinds of this project's own. */
import { extname } from 'node:path';
import { lintSource } from '@secretlint/core';
import { creator as preset } from '@secretlint/secretlint-rule-preset-recommend';

const CONFIG = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: preset }] };
/** Which the rules do not know. */
const OWN_KINDS = [/AGE-SECRET-KEY-1[0-9A-Z]{58}/, /-----BEGIN (\w+ )?PRIVATE KEY-----\s+[\w+/=]{16}/];
/** What is larger is no text that somebody has written. */
export const TEXT_MAX_BYTES = 4 * 1024 * 1024;

/** One line each: the path, and what it looks like; never the secret. */
export async function secretsIn(path: string, text: string): Promise<string[]> {
  const { messages } = await lintSource({
    source: { filePath: path, content: text, ext: extname(path), contentType: 'text' },
    options: { config: CONFIG, maskSecrets: true },
  });
  const own = OWN_KINDS.filter((kind) => kind.test(text)).map((kind) => `it looks like ${kind}`);
  return [...messages.map(({ message }) => message), ...own].map((message) => `${path}: ${message}`);
}

/** Undefined for what is no text, or too large to be one. */
export function textOf(bytes: Buffer): string | undefined {
  return bytes.length > TEXT_MAX_BYTES || bytes.includes(0) ? undefined : bytes.toString();
}
