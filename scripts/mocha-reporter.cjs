// mocha's own `spec` for a person to read, and in a file what `scripts/test.ts` adds up and says again at its end.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class SpecAndOutcome extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failed = [];
    runner.on('fail', (test, error) => {
      failed.push({ test: test.fullTitle(), file: test.file, error: error.stack ?? String(error) });
    });
    runner.once('end', () => {
      const { passes, failures } = this.stats;
      writeFileSync(options.reporterOptions.output, JSON.stringify({ passes, failures, failed }));
    });
  }
};
