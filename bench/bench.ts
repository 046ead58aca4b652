/**
 * Measures layers and nets on every core.
 *
 *   npm run bench                         measures all, writes docs/BENCHMARKS.md and bench/baseline.json
 *   npm run bench -- --check              compares with the baseline; exits 1 when a figure is more than 1 % worse
 *   npm run bench -- --cores m4,m0 --filter conv3x3 --kernel NAME     prints a part; writes nothing
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { packageFile } from "../src/assets/package-files.js";
import { armGccVersion } from "../src/toolchain/index.js";
import { readBaseline, regressions, writeBaseline } from "./baseline.js";
import { benchBoards } from "./cores.js";
import { measureCore } from "./measure.js";
import { benchmarkPage, type CoreResult, coreTable, overview } from "./table.js";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    cores: { type: "string" },
    filter: { type: "string" },
    kernel: { type: "string" },
  },
});

const isWhole = values.cores === undefined && values.filter === undefined && values.kernel === undefined;
const compiler = await armGccVersion();
const results: CoreResult[] = [];
for (const board of benchBoards(values.cores)) {
  const { figures, notes } = await measureCore(board, {
    ...(values.filter === undefined ? {} : { filter: values.filter }),
    ...(values.kernel === undefined ? {} : { kernel: values.kernel }),
    onProgress: (text) => process.stderr.write(`${text}\n`),
  });
  for (const note of notes) process.stderr.write(`${note}\n`);
  results.push({ board, figures });
}

if (values.check) check();
else if (isWhole) write();
else process.stdout.write(`${overview(results)}\n${results.map(coreTable).join("\n")}`);

function check(): void {
  const baseline = readBaseline()[compiler];
  if (baseline === undefined) {
    process.stderr.write(`bench: there is no baseline for ${compiler}\n`);
    process.exitCode = 2;
    return;
  }
  const worse = results.flatMap(({ board, figures }) =>
    regressions(baseline[board.cpu.id], figures).map((line) => `${board.cpu.id}: ${line}`),
  );
  process.stdout.write(
    worse.length === 0 ? "bench: no figure is worse than the baseline\n" : `${worse.join("\n")}\n`,
  );
  if (worse.length > 0) process.exitCode = 1;
}

function write(): void {
  for (const { board, figures } of results) writeBaseline(compiler, board.cpu.id, figures);
  writeFileSync(packageFile("docs/BENCHMARKS.md"), benchmarkPage(compiler, results));
  process.stdout.write("bench: wrote docs/BENCHMARKS.md and bench/baseline.json\n");
}
