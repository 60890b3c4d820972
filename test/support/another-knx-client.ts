/** Another client of the same KNXnet/IP server, as ETS or a visualisation is one: with a tunnel of its own. */
import { systemClock } from '@gate/addon-sdk';
import { Bus } from '../../addons/knx/src/link/bus.ts';
import { TunnelConnector } from '../../addons/knx/src/link/tunnel-connector.ts';
import { openUdpChannel } from '../../addons/knx/src/link/udp-channel.ts';

/** Once it has a tunnel; it is to be stopped. @throws AddonError where it is refused one */
export async function anotherClient(port: number): Promise<Bus> {
  const up = Promise.withResolvers<void>();
  const bus = new Bus({
    connector: new TunnelConnector({
      open: openUdpChannel,
      server: { host: '127.0.0.1', port },
      routeBack: false,
      clock: systemClock,
    }),
    clock: systemClock,
    random: Math.random,
    onTelegram: () => undefined,
    onUp: () => up.resolve(),
    onDown: (reason) => up.reject(reason),
  });
  bus.start();
  try {
    await up.promise;
    return bus;
  } catch (error) {
    await bus.stop();
    throw error;
  }
}
