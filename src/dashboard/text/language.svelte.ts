/**
 * The language of the page: what the browser prefers, unless somebody chose another. Languages are the files in
 * `languages/`; only the one that is shown is loaded.
 */
import { filled, type MessageKey, type Messages, type Values } from './messages.ts';

const FILES = import.meta.glob<{ default: Messages }>('../languages/*.ts');
const CHOSEN = 'gate.language';

function codeOf(path: string): string {
  return path.replace(/^.*\/|\.ts$/g, '');
}

class Language {
  readonly codes = Object.keys(FILES).map(codeOf).sort();
  #code = $state('en');
  #messages = $state.raw<object>({});

  get code(): string {
    return this.#code;
  }

  /** As `Intl` takes it: the browser's own region where it speaks this language. */
  get locale(): string {
    return navigator.languages.find((tag) => tag.split('-')[0] === this.#code) ?? this.#code;
  }

  /** Loads what somebody chose before, what the browser prefers, or English. */
  async start(): Promise<void> {
    const wanted = [chosenBefore(), ...navigator.languages.map((tag) => tag.split('-')[0])];
    await this.#show(wanted.find((code) => code !== undefined && this.codes.includes(code)) ?? 'en');
  }

  /** Shows another one from now on, here and when the page is opened again. */
  async choose(code: string): Promise<void> {
    await this.#show(code);
    try {
      localStorage.setItem(CHOSEN, code);
    } catch {
      // where nothing may be kept it holds until the page is closed
    }
  }

  text(key: MessageKey, values?: Values): string {
    return filled(this.#messages, this.locale, key, values);
  }

  /** A text whose key is put together, as for codes of the gateway; undefined where there is none. */
  find(key: string, values?: Values): string | undefined {
    const text = filled(this.#messages, this.locale, key, values);
    return text === key ? undefined : text;
  }

  /** What a language calls itself. */
  nameOf(code: string): string {
    const name = new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code;
    return name.charAt(0).toLocaleUpperCase(code) + name.slice(1);
  }

  async #show(code: string): Promise<void> {
    const load = FILES[`../languages/${code}.ts`];
    if (!load) return;
    this.#messages = (await load()).default;
    this.#code = code;
    document.documentElement.lang = code;
  }
}

function chosenBefore(): string | undefined {
  try {
    return localStorage.getItem(CHOSEN) ?? undefined;
  } catch {
    return undefined;
  }
}

export const language = new Language();

/** The text of a key in the language that is shown. */
export const t = (key: MessageKey, values?: Values): string => language.text(key, values);
