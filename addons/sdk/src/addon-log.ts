/**
 * The add-on's log: one line of text an entry, which gate stamps with its time and keeps. What is said goes to
 * stdout, what went wrong to stderr. The login token is taken out wherever it turns up.
 */
export interface AddonLog {
  info(message: string): void;
  /** Something went wrong; `cause` is appended: its message, its stack for a defect. */
  error(message: string, cause?: unknown): void;
}

export interface LogSinks {
  out: (line: string) => void;
  err: (line: string) => void;
  /** Never shown. */
  secrets: readonly string[];
}

const LINE_MAX_CHARS = 8_000;

export function createAddonLog({ out, err, secrets }: LogSinks): AddonLog {
  const line = (text: string) => {
    const clean = secrets.reduce((rest, secret) => (secret ? rest.replaceAll(secret, '***') : rest), text);
    return `${clean.replace(/\s*\n\s*/g, ' | ').slice(0, LINE_MAX_CHARS)}\n`;
  };
  return {
    info: (message) => out(line(message)),
    error: (message, cause) => err(line(cause === undefined ? message : `${message}: ${describe(cause)}`)),
  };
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // an error with a code was expected by somebody; any other is a defect and needs its place
  return 'code' in cause ? cause.message : (cause.stack ?? cause.message);
}
