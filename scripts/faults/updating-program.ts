/**
 * The updater as a program that can be killed, at work on a gateway that was installed into a folder:
 * `node updating-program.ts FOLDER run ARCHIVE | recover | boot`. `recover`: as when the updater alone was ended; `boot`: as
 * when the machine starts. Both leave the gateway started, as systemd does.
 */
import { folderUpdate } from '../../test/support/folder-update.ts';
import { folderService, placesIn } from './folder-service.ts';

const HEALTHY_WITHIN_MS = 30_000;
const STEADY_MS = 200;

const [folder = '', command = '', archive = ''] = process.argv.slice(2);
const { installFolder, dataFolder } = placesIn(folder);
const service = folderService(folder);

const run = folderUpdate({
  installFolder,
  dataFolder,
  service,
  log: (message) => console.log(message),
  healthyWithinMs: HEALTHY_WITHIN_MS,
  steadyMs: STEADY_MS,
});

if (command === 'run') await run.run({ id: 'asked', archive, allowOlder: false }, false);
else {
  await run.recover({ starting: command === 'boot' });
  await service.start();
}
