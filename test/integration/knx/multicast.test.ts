/** What a KNXnet/IP server does by multicast: being found, and routing; against knxd on a port of its own. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { systemClock } from '@gate/addon-sdk';
import { scanForServers } from '../../../addons/knx/src/discovery.ts';
import { Bus } from '../../../addons/knx/src/link/bus.ts';
import { RoutingConnector } from '../../../addons/knx/src/link/routing.ts';
import { parseGroupAddress, parseIndividualAddress } from '../../../addons/knx/src/wire/address.ts';
import type { GroupTelegram } from '../../../addons/knx/src/wire/cemi.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { KNX_MULTICAST, Knxd } from '../../support/knxd.ts';
import { until } from '../../support/until.ts';

describe('KNX by multicast', () => {
  let knxd: Knxd;

  before(async function () {
    if (reasonToSkip('knxd') || !hasNetwork()) this.skip();
    knxd = await Knxd.start({ routing: true });
  });

  after(() => knxd?.stop());

  /** Multicast needs a network card, as a box has it and some containers have not. */
  function hasNetwork(): boolean {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    return all.some(({ family, internal }) => family === 'IPv4' && !internal);
  }

  const group = () => ({ host: KNX_MULTICAST, port: knxd.port });

  it('finds the server, with what it is installed with', async () => {
    const candidates = await scanForServers(new AbortController().signal, {
      discovery: group(),
      listenMs: 500,
    });
    const found = candidates.find(({ parameters }) => parameters['port'] === knxd.port);
    assert.match(found?.label ?? '', /KNXnet\/IP server "knxd" at .*\(0\.0\.1, tunnelling/);
    assert.match(String(found?.parameters['ip_address']), /^\d+\.\d+\.\d+\.\d+$/);
  });

  it('routes telegrams both ways, its own ones not back', async () => {
    const telegrams: GroupTelegram[] = [];
    const bus = new Bus({
      connector: new RoutingConnector({
        group: group(),
        individualAddress: parseIndividualAddress('15.15.250'),
        clock: systemClock,
      }),
      clock: systemClock,
      random: Math.random,
      onTelegram: (telegram) => telegrams.push(telegram),
      onUp: () => undefined,
      onDown: (reason) => assert.fail(reason.message),
    });
    bus.start();
    try {
      const heard = await knxd.listen();
      for (let number = 0; number < 10; number += 1) {
        const value = { short: false, bytes: Buffer.of(number) };
        await bus.send({ service: 'write', destination: parseGroupAddress('1/2/3'), value });
      }
      await until('the bus has heard them', () => heard.length >= 10);
      assert.deepEqual(
        heard.map(({ source, destination, value }) => [source, destination, value]),
        Array.from({ length: 10 }, (_, number) => ['15.15.250', '1/2/3', `0${number}`]),
      );
      telegrams.length = 0;
      await knxd.write('1/0/1', '0c33');
      await until('it is here', () =>
        telegrams.some(({ destination }) => destination === parseGroupAddress('1/0/1')),
      );
      assert.ok(telegrams.every(({ destination }) => destination !== parseGroupAddress('1/2/3')));
    } finally {
      await bus.stop();
    }
  });
});
