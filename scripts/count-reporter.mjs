/**
 * Counts for Vitest what scripts/test.mjs sums up, into the JSON file that HARDLINE_TEST_COUNTS names:
 * `{ passed, failed, skipped: [full name, with the reason where one was given] }`. A test that did not run because something
 * before it broke has failed; only one that says for itself that the host cannot do it is skipped.
 */
import { writeFileSync } from "node:fs";

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const module of modules) {
      // A file that could not be loaded has no tests to fail.
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        if (state === "passed") counts.passed += 1;
        else if (state === "skipped" && !isBelowBroken(test)) {
          counts.skipped.push(note === undefined ? test.fullName : `${test.fullName}: ${note}`);
        } else counts.failed += 1;
      }
    }
    writeFileSync(process.env.HARDLINE_TEST_COUNTS, JSON.stringify(counts));
  }
}

/** Whether a hook around the test threw. */
function isBelowBroken(test) {
  for (let suite = test.parent; suite.type !== "module"; suite = suite.parent) {
    if (suite.errors().length > 0) return true;
  }
  return test.module.errors().length > 0;
}
