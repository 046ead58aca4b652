// Prints `N passed, N failed, N skipped` from vitest's JSON report; skipped tests are also named.
import { readFileSync } from "node:fs";

const text = readFileSync(process.argv[2], "utf8");
if (text.trim() === "") {
  console.log("0 passed, 1 failed, 0 skipped (the tests did not run to their end)");
  process.exit(1);
}
const report = JSON.parse(text);
const tests = report.testResults.flatMap((file) => file.assertionResults);
const count = (...states) => tests.filter((t) => states.includes(t.status)).length;
for (const test of tests.filter((t) => ["pending", "skipped", "todo"].includes(t.status))) {
  console.log(`skipped: ${test.fullName}`);
}
// A file that fails to load has no tests of its own but is a failure.
const brokenFiles = report.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0).length;
console.log(`${count("passed")} passed, ${count("failed") + brokenFiles} failed, ${count("pending", "skipped", "todo")} skipped`);
