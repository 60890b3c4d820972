import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { GivenCertificate } from '../../../src/api/certificates/given-certificate.ts';
import { loadSettings } from '../../../src/config/load.ts';
import { demandUsableSettings } from '../../../src/config/restored-settings.ts';
import { makePair } from '../../support/openssl.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('the settings of a backup', () => {
  let folder: ReturnType<typeof tempFolder>;
  let neighbour: Server;
  let taken: number;
  let environment: Record<string, string>;

  beforeEach(async () => {
    folder = tempFolder();
    mkdirSync(join(folder.path, 'config'));
    mkdirSync(join(folder.path, 'coming'));
    neighbour = createServer().listen(0, '127.0.0.1');
    await once(neighbour, 'listening');
    taken = (neighbour.address() as AddressInfo).port;
    environment = {
      DATA_FOLDER: folder.path,
      CONFIG_FOLDER: join(folder.path, 'config'),
      BIND: '127.0.0.1',
      ON_PREMISE_ENABLED: 'true',
    };
  });
  afterEach(() => {
    neighbour.close();
    folder.remove();
  });

  /** With what a backup's `.env` has, and what that of the gateway which runs has. */
  function demanded(coming: string, own = 'PORT=0\nLOCAL_BROKER_PORT=0\n'): Promise<void> {
    writeFileSync(join(folder.path, 'coming', '.env'), `PORT=0\nLOCAL_BROKER_PORT=0\n${coming}`);
    writeFileSync(join(folder.path, 'config', '.env'), own);
    const running = {
      environment,
      dataFolder: folder.path,
      settings: loadSettings(environment),
      loadCertificate: (files: { certificate: string; key: string }) => new GivenCertificate(files).load(),
    };
    return demandUsableSettings(running, join(folder.path, 'coming'));
  }

  it('are refused where a port or an address cannot be had here', async () => {
    await demanded('');
    for (const name of ['PORT', 'LOCAL_BROKER_PORT']) {
      await assert.rejects(demanded(`${name}=${taken}\n`), {
        code: 'badSetting',
        message: new RegExp(`${name} ${taken} at 127\\.0\\.0\\.1, .*another program has it`),
        hint: /gate command/,
      });
    }
    delete environment['BIND'];
    await assert.rejects(demanded('BIND=192.0.2.1\n'), {
      message: /PORT 0 at 192\.0\.2\.1, .*EADDRNOTAVAIL/,
    });
    delete environment['ON_PREMISE_ENABLED'];
    await demanded('BIND=192.0.2.1\nON_PREMISE_ENABLED=false\n');
  });

  it('may have the ports of the gateway that runs, which it gives up', async () => {
    await demanded(`PORT=${taken}\n`, `PORT=${taken}\nLOCAL_BROKER_PORT=0\n`);
    await demanded(`PORT=${taken}\n`, `PORT=0\nLOCAL_BROKER_PORT=${taken}\n`);
  });

  it('are refused where their certificate is not here, and does not come with them', async () => {
    const { certificatePath, keyPath } = makePair(folder.path, 'elsewhere');
    await demanded(`TLS_CERT=${certificatePath}\nTLS_KEY=${keyPath}\n`);
    const own = (name: string) => join(folder.path, 'config', name);
    const words = `TLS_CERT=${own('box.pem')}\nTLS_KEY=${own('box.key')}\n`;
    await assert.rejects(demanded(words), {
      code: 'badSetting',
      message: /^TLS_CERT .*box\.pem\) cannot be read/,
    });
    makePair(join(folder.path, 'coming'), 'box');
    await demanded(words);
    await assert.rejects(demanded(`TLS_CERT=${certificatePath}\n`), { message: /TLS_KEY is not set/ });
  });

  it('are refused where they have their data elsewhere, or do not parse', async () => {
    delete environment['DATA_FOLDER'];
    await assert.rejects(demanded('DATA_FOLDER=/somewhere\n'), {
      message: /their data in \/somewhere, not here/,
    });
    await assert.rejects(demanded('PORT=many\n'), { code: 'badSetting', message: /^PORT is "many"/ });
  });
});
