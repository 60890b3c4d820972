/** The two libraries' logs, as lines of the add-on's own: no frames, no keys, and no PAN ids of a network that is made. */
import type { AddonLog } from '@gate/addon-sdk';

type Text = string | (() => string);

export function libraryLog(log: AddonLog) {
  const said = (text: Text, namespace: string) =>
    withoutKeys(`${namespace}: ${typeof text === 'function' ? text() : text}`);
  return {
    // every frame, several lines each
    debug: () => undefined,
    info: (text: Text, namespace: string) => log.info(said(text, namespace)),
    warning: (text: Text, namespace: string) => log.info(said(text, namespace)),
    error: (text: Text, namespace: string) => log.error(said(text, namespace)),
  };
}

/** Keys have 16 bytes; the libraries write them in hexadecimal or as a list of numbers. The ids stand in JSON, by their names. */
export function withoutKeys(text: string): string {
  return text
    .replace(/(?<![\da-f])(?:[\da-f]{2}[:\s]?){15}[\da-f]{2}(?![\da-f])/gi, '***')
    .replace(/(?:\d{1,3}\s*,\s*){15}\d{1,3}/g, '***')
    .replace(/("(?:extended)?panId"\s*:\s*)(?:\d+|\[[\d,\s]*\])/gi, '$1"***"');
}
