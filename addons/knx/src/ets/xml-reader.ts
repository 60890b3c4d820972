/**
 * XML, read piece by piece: elements with their attributes and where they stand. What is not well-formed, nested too
 * deep or too large is refused with its line. Entities are the five of XML and numbers; none can be declared.
 */
import { AddonError } from '@gate/addon-sdk';
import sax, { type SAXParser, type Tag } from 'sax';

/** Deepest nesting: ETS has some 15 levels. */
const DEPTH_MAX = 64;
/** Longest value of one attribute, in characters; a parameter of a device may hold a picture. */
const VALUE_MAX_CHARS = 4_000_000;
(sax as unknown as { MAX_BUFFER_LENGTH: number }).MAX_BUFFER_LENGTH = VALUE_MAX_CHARS;

export type Attributes = Readonly<Record<string, string>>;

export interface XmlHandlers {
  /** Without its namespace prefix. `line` counts from 1. */
  open: (element: string, attributes: Attributes, line: number) => void;
  close?: (element: string) => void;
}

export class XmlReader {
  readonly #what: string;
  readonly #hint: string;
  readonly #parser: SAXParser;
  #depth = 0;
  /** Of the last element; 0 before the first. */
  #line = 0;

  /** `what` is the file in words, `hint` what to do when it is broken. */
  constructor(what: string, hint: string, { open, close }: XmlHandlers) {
    this.#what = what;
    this.#hint = hint;
    const parser = sax.parser(true, { position: true });
    this.#parser = parser;
    // where an element begins, not where it ends
    parser.onopentagstart = () => {
      this.#line = parser.line + 1;
    };
    parser.onopentag = (tag) => {
      this.#depth += 1;
      if (this.#depth > DEPTH_MAX) throw this.broken(this.#line, `nested more than ${DEPTH_MAX} deep`);
      open(withoutPrefix(tag.name), (tag as Tag).attributes, this.#line);
    };
    parser.onclosetag = (name) => {
      this.#depth -= 1;
      close?.(withoutPrefix(name));
    };
    // the parser itself would go on
    parser.onerror = ({ message }) => {
      throw this.broken(parser.line + 1, message.split('\n')[0]?.toLowerCase() ?? '');
    };
  }

  /** @throws AddonError badRequest, naming the line */
  write(text: string): void {
    this.#parser.write(text);
  }

  /** Nothing more comes. @throws AddonError badRequest, naming the line */
  end(): void {
    this.#parser.close();
    if (this.#line === 0) throw this.broken(1, 'there is nothing in it');
  }

  /** The error that says what is wrong at a line. */
  broken(line: number, what: string): AddonError {
    return new AddonError('badRequest', `${this.#what} cannot be read: line ${line}: ${what}`, {
      hint: this.#hint,
    });
  }
}

function withoutPrefix(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
