import { GatewayError } from '../model/error.ts';
import type { GatewayClient } from './gateway-client.ts';
import { NoGatewayError } from './no-gateway.ts';

/** For what takes the files away from under a daemon. @throws GatewayError alreadyRunning */
export async function refuseRunning(gateway: GatewayClient): Promise<void> {
  try {
    await gateway.look('/health/live');
  } catch (error) {
    if (error instanceof NoGatewayError && error.code === 'unavailable') return;
    throw error;
  }
  throw new GatewayError('alreadyRunning', `gate is running: it answers on ${gateway.where}`, {
    hint: 'stop it first',
  });
}
