/**
 * `npm run dashboard`, and before each `npm start`: builds the dashboard where its sources have changed. Where its tools are
 * not installed (`npm ci --omit=dev`) it says so, and the gateway starts without it.
 */
try {
  const { buildDashboardIfStale, DASHBOARD_OUT } = await import('./dashboard/build.ts');
  const began = performance.now();
  if (await buildDashboardIfStale()) {
    console.log(
      `built the dashboard in ${((performance.now() - began) / 1_000).toFixed(1)} s (${DASHBOARD_OUT})`,
    );
  }
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.warn(
    `the dashboard is not built: ${(error as Error).message.split('\n')[0]}. "npm ci" installs its tools`,
  );
}
