// The direction of the house (docs/architecture.md): who may know whom. `npm run check:layers`.
const rooms = {
  lib: [],
  model: ['lib'],
  contract: ['model'],
  core: ['contract', 'model', 'lib'],
  config: ['model', 'lib'],
  backup: ['store', 'core', 'contract', 'model', 'lib'],
  cli: ['backup', 'updater', 'config', 'model', 'lib'],
  updater: ['core', 'model', 'lib'],
  store: ['core', 'contract', 'model', 'lib'],
  broker: ['core', 'contract', 'model', 'lib'],
  supervisor: ['core', 'contract', 'model', 'lib'],
  cloud: ['core', 'contract', 'model', 'lib'],
  api: ['core', 'contract', 'model', 'lib'],
  dashboard: [],
};

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphan-import', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(rooms).map(([room, known]) => ({
      name: `${room}-knows-only-${known.join('-') || 'itself'}`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^(src|addons|test|scripts)/', pathNot: `^src/(${[room, ...known].join('|')})/` },
    })),
    {
      name: 'only-main-knows-gateway',
      severity: 'error',
      from: { pathNot: '^src/(main\\.ts$|gateway/)' },
      to: { path: '^src/gateway/' },
    },
    {
      name: 'dashboard-is-for-browsers',
      comment: 'the product hands it out as files; what builds and tests it may look inside',
      severity: 'error',
      from: { path: '^(src|addons)/', pathNot: '^src/dashboard/' },
      to: { path: '^src/dashboard/' },
    },
    { name: 'nobody-knows-main', severity: 'error', from: {}, to: { path: '^src/main\\.ts$' } },
    {
      name: 'certificate-library-in-its-own-thread',
      comment: 'it takes 25 MB, which end with the thread',
      severity: 'error',
      from: { pathNot: '^src/api/certificates/certificate-maker\\.ts$' },
      to: { path: 'node_modules/selfsigned' },
    },
    {
      name: 'nobody-loads-the-certificate-maker',
      severity: 'error',
      from: {},
      to: { path: '^src/api/certificates/certificate-maker\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'sdk-knows-only-contract',
      severity: 'error',
      from: { path: '^addons/sdk/' },
      to: {
        path: '^(src|addons|test|scripts)/',
        pathNot: '^(addons/sdk/|src/contract/|src/model/|src/lib/)',
      },
    },
    {
      name: 'addons-know-only-sdk',
      severity: 'error',
      from: { path: '^addons/(?!sdk/)([^/]+)/' },
      to: { path: '^(src|addons|test|scripts)/', pathNot: '^addons/(sdk|$1)/' },
    },
    {
      name: 'zigbee-libraries-in-their-add-on',
      comment: 'the daemon never loads them: with every definition they take 186 MB',
      severity: 'error',
      from: { path: '^(src|addons)/', pathNot: '^addons/zigbee/' },
      to: { path: 'node_modules/(zigbee-herdsman|serialport|@serialport)' },
    },
    {
      name: 'product-knows-no-tests',
      severity: 'error',
      from: { path: '^(src|addons)/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'sqlite-behind-one-file',
      severity: 'error',
      from: { path: '^(src|addons)/', pathNot: '^src/store/sqlite\\.ts$' },
      to: { path: '^(node:)?sqlite$' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'require', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
