/** `gate update`: another release, from a file, an address or by its version. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { loadSettings } from '../config/load.ts';
import { pause } from '../lib/deadline.ts';
import { shortId } from '../lib/short-id.ts';
import { GatewayError } from '../model/error.ts';
import type { Phase, UpdateOutcome } from '../updater/forms.ts';
import { VERSION } from '../updater/forms.ts';
import { NoGatewayError } from './no-gateway.ts';
import type { Terminal } from './terminal.ts';

/** The updater takes a request within a moment, or nobody is there to take it. */
const TAKEN_WITHIN_MS = 30_000;
/** Longer than any update takes. */
const ENDS_WITHIN_MS = 3_600_000;
const LOOK_EVERY_MS = 250;
const SHOWN_FROM_BYTES = 1_000_000;

const WORDS: Record<Phase, string> = {
  checking: 'checking signature and checksums',
  unpacking: 'unpacking beside the release that runs',
  keeping: 'stopping gate, and keeping its store',
  switching: 'putting the new release in its place',
  trying: 'starting the new release, and watching it',
  settling: 'it is healthy and stays',
  returning: 'going back to the release before',
};

export interface UpdateTools {
  terminal: Terminal;
  box: () => { dataFolder: string };
  /** Another gateway is meant, by its address. */
  remote: () => boolean;
}

interface UpdateOptions {
  staged?: true;
  allowOlder?: true;
}

export function addUpdateCommand(program: Command, { terminal, box, remote }: UpdateTools): void {
  program
    .command('update')
    .description('put another release in place; it goes back by itself when that one does not come up')
    .argument('[release]', 'an archive, its address, or its version; without it: how the last update ended')
    .option('--allow-older', 'take an older release too; for root alone')
    .option('--staged', 'the version lies in the folder of releases already, as install.sh puts it there')
    .action(async (release: string | undefined, options: UpdateOptions) => {
      if (remote()) {
        throw new GatewayError('badSetting', 'gate update is for the box that it runs on: leave out --url');
      }
      const desk = await deskFor(box().dataFolder);
      if (release === undefined) {
        terminal.print(lastUpdate(desk.outcome(), terminal.json()));
        return;
      }
      const id = await ask(desk, release, { ...options, terminal });
      const outcome = await ended(desk, id, terminal);
      if (outcome === undefined) return;
      if (terminal.json()) terminal.print(JSON.stringify(outcome));
      if (outcome.failure !== undefined) {
        throw new GatewayError('conflict', `gate stays ${outcome.from}: ${outcome.failure}`);
      }
      if (!terminal.json()) terminal.print(`gate ${outcome.version} runs, in place of ${outcome.from}`);
    });
}

type Desk = Awaited<ReturnType<typeof deskFor>>;

/** @throws GatewayError badSetting, unavailable */
async function deskFor(dataFolder: string) {
  const { UpdateDesk } = await import('../updater/update-desk.ts');
  const { INSTALL_FOLDER } = loadSettings(process.env);
  if (INSTALL_FOLDER === undefined) {
    throw new GatewayError(
      'unavailable',
      'INSTALL_FOLDER is not set: this gateway was not installed by install.sh',
      {
        hint: 'gate updates itself where install.sh has put it',
      },
    );
  }
  return new UpdateDesk({ installFolder: INSTALL_FOLDER, dataFolder, newId: shortId });
}

async function ask(
  desk: Desk,
  release: string,
  { staged, allowOlder, terminal }: UpdateOptions & { terminal: Terminal },
): Promise<string> {
  const options = allowOlder ? { allowOlder } : {};
  if (staged) return desk.askForStaged(release, options);
  if (existsSync(release)) return desk.askForArchive(release, options);
  const { urlOfVersion } = await import('../updater/fetch-release.ts');
  const allowed = loadSettings(process.env).UPDATE_URLS;
  const isVersion = VERSION.test(release);
  if (!isVersion && !/^https?:\/\//.test(release)) {
    throw new GatewayError('badSetting', `"${release}" is no file, no address and no version`);
  }
  const url = isVersion ? urlOfVersion(release, process.arch, allowed) : release;
  terminal.say(`fetching ${url}`);
  let tenths = 0;
  const onProgress = (bytes: number, total: number | undefined) => {
    // the small files beside it are there at once
    if (total === undefined || bytes < SHOWN_FROM_BYTES) return;
    const megabytes = (count: number) => Math.round(count / 1e6);
    if (terminal.progress(`${megabytes(bytes)} of ${megabytes(total)} MB`, bytes / total)) return;
    const now = Math.floor((bytes / total) * 10);
    if (now > tenths) terminal.say(`  ${now * 10} % of ${megabytes(total)} MB`);
    tenths = now;
  };
  try {
    const wanted = isVersion ? { wanted: release } : {};
    return await desk.askForFetched({ url, allowed, onProgress }, { ...options, ...wanted });
  } finally {
    terminal.progress(undefined);
  }
}

/**
 * Undefined when the person does not wait: the update goes on.
 * @throws NoGatewayError when nobody takes the request, or it does not end
 */
async function ended(desk: Desk, id: string, { say, signal }: Terminal): Promise<UpdateOutcome | undefined> {
  const begunAt = performance.now();
  let phase: Phase | undefined;
  for (;;) {
    const state = desk.state();
    if (state?.id === id && state.phase !== phase) {
      phase = state.phase;
      say(phase === 'returning' ? `${WORDS[phase]}: ${state.failure}` : WORDS[phase]);
    }
    const outcome = desk.outcome();
    if (outcome?.id === id) return outcome;
    const passedMs = performance.now() - begunAt;
    if (passedMs > TAKEN_WITHIN_MS && desk.waits()) {
      throw new NoGatewayError('unavailable', 'the updater does not run: nobody took the request', {
        hint: 'systemctl start gate-update.path',
      });
    }
    if (passedMs > ENDS_WITHIN_MS)
      throw new NoGatewayError('unavailable', 'the update does not end', {
        hint: 'journalctl --unit=gate-update',
      });
    await pause(LOOK_EVERY_MS, signal);
    if (signal.aborted) {
      say('the update goes on without this command; gate update shows how it ended');
      return undefined;
    }
  }
}

function lastUpdate(outcome: UpdateOutcome | undefined, json: boolean): string {
  if (json) return JSON.stringify(outcome ?? null);
  if (outcome === undefined) return 'there was no update yet';
  const { ts, from, version, failure } = outcome;
  const when = new Date(ts).toISOString().replace('T', ' ').slice(0, 16);
  const release = version === '' ? 'another release' : version;
  return failure === undefined
    ? `${when} UTC: ${version} took the place of ${from}`
    : `${when} UTC: ${release} did not take the place of ${from}: ${failure}`;
}
