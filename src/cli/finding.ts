/** One thing that `gate doctor` looked at. */
export interface Finding {
  /** `problem`: the gateway does not do its work, or not all of it. `warning`: it will not for long, or might not. */
  state: 'ok' | 'warning' | 'problem';
  what: string;
  next?: string | undefined;
}

/** Where the gateway keeps what is its own; of one that is elsewhere nothing is known. */
export interface Box {
  dataFolder: string;
  configFolder: string;
}
