/**
 * Where the API listens: a TCP port on the LAN, and `gate.sock`, which only its owner may open. A failure says
 * what is in the way and what to do.
 */
import { chmodSync } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { GatewayError } from '../model/error.ts';

/** sun_path in unix(7), without its closing zero. */
const SOCKET_PATH_MAX_BYTES = 107;
const ANSWER_TIMEOUT_MS = 2_000;

/** @throws GatewayError portTaken, badSetting */
export async function listenOnLan(
  server: Server,
  { bind, port }: { bind: string; port: number },
): Promise<void> {
  try {
    await listening(server, () => server.listen({ host: bind, port }));
  } catch (error) {
    throw lanError(error as NodeJS.ErrnoException, bind, port);
  }
}

function lanError(cause: NodeJS.ErrnoException, bind: string, port: number): GatewayError {
  if (cause.code === 'EADDRINUSE') {
    return new GatewayError(
      'portTaken',
      `port ${port} on ${bind} is taken by another program; set PORT to another`,
      {
        cause,
      },
    );
  }
  if (cause.code === 'EACCES') {
    return new GatewayError(
      'badSetting',
      `port ${port} on ${bind} may not be opened by this user; set PORT to 1024 or above`,
      { cause },
    );
  }
  if (cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND' || cause.code === 'EINVAL') {
    return new GatewayError(
      'badSetting',
      `this box has no address "${bind}"; set BIND to one it has, or 0.0.0.0`,
      {
        cause,
      },
    );
  }
  return new GatewayError('badSetting', `port ${port} on ${bind} cannot be opened: ${cause.message}`, {
    cause,
  });
}

/**
 * Listens on a Unix socket of mode 0600. A file that a killed daemon left behind is replaced, one that somebody
 * answers on is not. @throws GatewayError alreadyRunning, folderUnusable
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX_BYTES) {
    throw new GatewayError(
      'folderUnusable',
      `${path} is too long for a socket (${SOCKET_PATH_MAX_BYTES} bytes at most); set DATA_FOLDER to a shorter path`,
    );
  }
  if (await ensureAlone(path)) await rm(path, { force: true });
  try {
    await listening(server, () => {
      server.listen(path);
      // bound in this very turn: nobody is accepted before the mode is set
      if (server.listening) chmodSync(path, 0o600);
    });
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    throw new GatewayError('folderUnusable', `${path} cannot be made: ${cause.message}`, { cause });
  }
}

/**
 * Nobody answers on the socket at `path`; resolves with whether something lies there.
 * @throws GatewayError alreadyRunning, folderUnusable
 */
export async function ensureAlone(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return false;
  if (!found.isSocket())
    throw new GatewayError('folderUnusable', `${path} is in the way: it is not a socket`);
  if (await somebodyAnswers(path)) {
    throw new GatewayError('alreadyRunning', `another gate is running: it answers on ${path}`, {
      hint: 'stop it first, or set DATA_FOLDER to another folder',
    });
  }
  return true;
}

/** Only a refused connection proves that nobody is there: silence may be a daemon that is busy. */
function somebodyAnswers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    const end = (answers: boolean) => {
      probe.destroy();
      resolve(answers);
    };
    probe.setTimeout(ANSWER_TIMEOUT_MS, () => end(true));
    probe.once('connect', () => end(true));
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const { code } = cause;
      if (code === 'EMFILE' || code === 'ENFILE') reject(tooFewHandles(path, cause));
      else end(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

function tooFewHandles(path: string, cause: Error): GatewayError {
  return new GatewayError('folderUnusable', `${path} cannot be looked at: there are too many open files`, {
    hint: 'let gate have more of them (LimitNOFILE of the service, ulimit -n)',
    cause,
  });
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    listen();
  });
}
