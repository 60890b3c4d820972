/** Health: `live` says that the process answers, `ready` how each part does. */
import type { Health } from '../../core/health.ts';
import type { Access } from '../access.ts';
import type { ApiRouter } from './router.ts';

const NOT_READY_RETRY_AFTER_SECONDS = 5;

export function addHealthRoutes(
  router: ApiRouter,
  { health, access }: { health: Health; access: Access },
): void {
  router.get('/health/live', (context) => {
    context.body = { status: 'live' };
  });

  router.get('/health/ready', (context) => {
    const { status, parts } = health.ready();
    if (status === 'notReady') {
      context.status = 503;
      context.set('Retry-After', String(NOT_READY_RETRY_AFTER_SECONDS));
    }
    context.body = access.may(context.state.caller, 'read') ? { status, parts } : { status };
  });
}
