import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { render } from "../assets/templates.js";
import { version } from "../compile.js";
import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { COMMENT_MARK } from "../report/comparison.js";
import { qemuBoard } from "../targets/index.js";
import { DEFAULT_BASELINE } from "./compare.js";
import { boardList, matrix } from "./matrix.js";
import { oneOf } from "./options.js";
import { type CommandResult, present } from "./output.js";
import { writeWholeFile } from "./write-file.js";

interface Options {
  readonly ci?: string;
  readonly model?: readonly string[];
  readonly board?: readonly string[];
  readonly out: string;
  readonly force: boolean;
  readonly json: boolean;
}

const WORKFLOW = ".github/workflows/bitloom.yml";
/** A core without and one with a barrel shifter, popular both, and both in QEMU. */
const DEFAULT_BOARDS = "microbit,mps2-an386";
/** Runners that a workflow takes at most; the user may change it. */
const MOST_PARTS = 4;
/** The release that bitloom was tried with. */
const RENODE_VERSION = "1.16.1";
const CI = ["github"] as const;

export function initCommand(): Command {
  return new Command("init")
    .description("write a CI workflow that compiles, verifies and compares models on every change")
    .option("--ci <service>", `which CI: ${CI.join(", ")}`)
    .option("--model <paths>", "model files in the repository, as a,b or repeated", boardList)
    .option(
      "--boards, --board <ids>",
      `boards, as a,b or repeated (default: ${DEFAULT_BOARDS}; see \`bitloom boards\`)`,
      boardList,
    )
    .option("-o, --out <dir>", "root of the repository", ".")
    .option("--force", "replace a workflow that is there", false)
    .option("--json", "print one JSON object", false)
    .addHelpText(
      "after",
      "\nExample:\n  bitloom init --ci github --model models/mnist.onnx --board microbit,stm32f4-discovery\n",
    )
    .action((options: Options) => present(options.json, () => run(options)));
}

function run(options: Options): CommandResult {
  if (options.ci === undefined) {
    throw fail("init/nothing", "nothing to do: it was not said what to set up", {
      remedy: "add --ci github; a model needs no project: `bitloom compile model.onnx -o DIR`",
    });
  }
  oneOf("--ci", options.ci, CI);
  const models = modelPaths(options);
  const boards = boardIds(models, options.board ?? boardList(DEFAULT_BOARDS));
  const path = join(options.out, WORKFLOW);
  if (existsSync(path) && !options.force) {
    throw fail("init/exists", "there is such a file already, and it may have been changed by hand", {
      where: path,
      remedy: "add --force to replace it; version control shows what that changes",
    });
  }
  const parts = Math.min(MOST_PARTS, models.length * boards.length);
  const text = render("ci/github.yml", {
    package: `bitloom@${version}`,
    models: JSON.stringify(models.join(" ")),
    boards: JSON.stringify(boards.join(",")),
    baseline: DEFAULT_BASELINE,
    renodeVersion: RENODE_VERSION,
    parts: Array.from({ length: parts }, (_, i) => i + 1),
    mark: COMMENT_MARK,
  });
  writeWholeFile(path, text);
  const compare = `bitloom compare ${models.join(" ")} --board ${boards.join(",")} --update`;
  const commit = [WORKFLOW, DEFAULT_BASELINE, ...models];
  return {
    text: nextSteps(path, options.out, compare, commit),
    json: { ci: options.ci, file: path, models, boards, next: [compare, `git add ${commit.join(" ")}`] },
  };
}

function nextSteps(path: string, out: string, compare: string, commit: readonly string[]): string {
  const inFolder = out === "." ? "" : ` (in ${printable(out, 200)})`;
  return [
    `wrote ${printable(path, 200)}`,
    "",
    `Next${inFolder}:`,
    `  ${compare}`,
    `  git add ${commit.join(" ")}`,
    "  git commit",
    "",
    "Figures hold for one version of the compiler. Where the runner's is another, its first comparison fails and keeps a",
    `${DEFAULT_BASELINE} with both (artifact bitloom-compare): commit that one.`,
  ].join("\n");
}

/**
 * Paths of the models, checked to stand in the repository. They go into YAML and into a shell's words, so only characters
 * are taken that mean nothing there.
 */
export function modelPaths({ model, out }: Pick<Options, "model" | "out">): readonly string[] {
  if (model === undefined) {
    throw fail("init/model", "the workflow needs to know which model to check", {
      remedy: "add --model with its path in the repository, e.g. --model models/mnist.onnx",
    });
  }
  const paths = [...new Set(model)];
  for (const path of paths) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_./+-]*$/.test(path) || path.split("/").includes("..")) {
      throw fail("init/model", "this path cannot stand in a workflow", {
        where: path,
        remedy: "give a path below the repository's root, of letters, digits and _ . / + - only",
      });
    }
    if (statSync(join(out, path), { throwIfNoEntry: false })?.isFile() === true) continue;
    throw fail("init/model", "there is no such file in the repository", {
      where: join(out, path),
      remedy: "give its path from the repository's root, which -o names",
    });
  }
  return paths;
}

/** Ids of boards that the runner's QEMU can run. */
function boardIds(models: readonly string[], wanted: readonly string[]): string[] {
  const boards = [...new Set(matrix(models, { board: wanted }, "").map(({ board }) => board))];
  const without = boards.find((board) => qemuBoard(board) === undefined);
  if (without === undefined) return [...new Set(boards.map((board) => board.id))];
  throw fail(
    "init/board",
    `QEMU has no machine for ${without.id}, and the workflow counts instructions in it`,
    {
      remedy: "leave it out (`bitloom boards` shows what runs where)",
    },
  );
}
