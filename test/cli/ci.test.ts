/**
 * `init --ci github`: the workflow is sound, and its own steps, run here as a runner would run them, succeed on a sound project and fail
 * when a figure grew or the model is damaged.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { modelPaths } from "../../src/cli/init.js";
import { version } from "../../src/compile.js";
import { commandLine } from "../support/bitloom.js";
import { errorsOf } from "../support/errors.js";
import { Place } from "../support/place.js";
import { repoRoot } from "../support/root.js";
import { describeWith } from "../toolchain/toy.js";

const step = z.object({
  name: z.string(),
  uses: z.string().optional(),
  run: z.string().optional(),
  if: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const job = z.object({
  "runs-on": z.literal("ubuntu-24.04"),
  "timeout-minutes": z.int().positive(),
  permissions: z.record(z.string(), z.string()).optional(),
  strategy: z.object({ matrix: z.object({ part: z.array(z.int()) }) }).optional(),
  steps: z.array(step),
});
const workflow = z.object({
  on: z.object({ push: z.object({}), pull_request: z.null(), workflow_dispatch: z.object({}) }),
  permissions: z.record(z.string(), z.string()),
  defaults: z.object({ run: z.object({ shell: z.literal("bash") }) }),
  env: z.record(z.string(), z.string()),
  jobs: z.object({ verify: job, compare: job, comment: job }),
});
type Step = z.infer<typeof step>;

const WORKFLOW = ".github/workflows/bitloom.yml";
const fixture = join(repoRoot, "test/fixtures/onnx/brevitas_mlp.onnx");
const place = new Place();
const project = join(place.folder, "project");
mkdirSync(join(project, "models"), { recursive: true });
cpSync(fixture, join(project, "models/net.onnx"));
afterAll(() => place.remove());

const init = (...args: string[]) => place.start(["init", "-o", "project", ...args]);
const fromFile = (): z.infer<typeof workflow> =>
  workflow.parse(parse(readFileSync(join(project, WORKFLOW), "utf8")));

describe("init", () => {
  it.each([
    [[], /add --ci github; a model needs no project/],
    [["--ci", "githb", "--model", "models/net.onnx"], /did you mean github/],
    [
      ["--ci", "github", "--model", "a.onnx,$(touch x).onnx"],
      /a\.onnx: there is no such file in the repository/,
    ],
    [["--ci", "github", "--model", "models/net.onnx", "--boards", "microbitt"], /did you mean microbit/],
  ])("refuses %j and writes nothing", async (args, message) => {
    const { stderr, exitCode } = await init(...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expect(existsSync(join(project, ".github"))).toBe(false);
  });

  it.each([
    "../net.onnx",
    "models/../../net.onnx",
    "/models/net.onnx",
    "-o.onnx",
    "$(touch x).onnx",
    "a b.onnx",
    "a;b.onnx",
    "a\nb.onnx",
    "{{ github.token }}.onnx",
    "",
  ])("takes no path like %j into a script", (path) => {
    const [error] = errorsOf(() => modelPaths({ model: [path], out: project }));
    expect(error).toMatchObject({ code: "init/model", message: "this path cannot stand in a workflow" });
  });

  it("takes paths of files that are there, each once", () => {
    expect(modelPaths({ model: ["models/net.onnx", "models/net.onnx"], out: project })).toEqual([
      "models/net.onnx",
    ]);
    expect(errorsOf(() => modelPaths({ out: project }))[0]!.remedy).toContain("--model models/mnist.onnx");
    expect(errorsOf(() => modelPaths({ model: ["models"], out: project }))[0]!.message).toContain(
      "no such file",
    );
  });

  it("writes the workflow once, says what to commit, and replaces it only when told to", async () => {
    const args = ["--ci", "github", "--model", "models/net.onnx", "--boards", "microbit,mps2-an386"];
    const first = await init(...args);
    expect(first.exitCode).toBe(0);
    expect(first.stdout).toContain(
      "git add .github/workflows/bitloom.yml bitloom-baseline.json models/net.onnx",
    );
    expect(first.stdout).toContain("bitloom compare models/net.onnx --board microbit,mps2-an386 --update");
    const written = readFileSync(join(project, WORKFLOW), "utf8");
    writeFileSync(join(project, WORKFLOW), `${written}# changed by hand\n`);
    const second = await init(...args);
    expect(second.exitCode).toBe(2);
    expect(second.stderr).toContain("--force");
    expect(readFileSync(join(project, WORKFLOW), "utf8")).toContain("# changed by hand");
    const third = await init(...args, "--force", "--json");
    expect(JSON.parse(third.stdout)).toMatchObject({ ok: true, boards: ["microbit", "mps2-an386"] });
    expect(readFileSync(join(project, WORKFLOW), "utf8")).toBe(written);
    expect(readdirSync(join(project, ".github/workflows"))).toEqual(["bitloom.yml"]);
  });
});

describe("the workflow", () => {
  it("has the permissions that it needs, pinned actions, and no expression inside a script", () => {
    const { permissions, env, jobs } = fromFile();
    expect(permissions).toEqual({ contents: "read" });
    expect(env.CI_PACKAGE).toBe(`bitloom@${version}`);
    // bitloom reads variables of its own; another meaning of one, like BITLOOM_BOARDS, would change what it does.
    expect(Object.keys(env).filter((name) => name.startsWith("BITLOOM_"))).toEqual(["BITLOOM_OBJECT_CACHE"]);
    expect(jobs.verify.permissions ?? jobs.compare.permissions).toBeUndefined();
    expect(jobs.comment.permissions).toEqual({ "pull-requests": "write" });
    expect(jobs.verify.strategy?.matrix.part).toEqual([1, 2]);
    for (const { uses, run } of Object.values(jobs).flatMap((j) => j.steps)) {
      expect([uses, run].filter((x) => x !== undefined)).toHaveLength(1);
      if (uses !== undefined) expect(uses).toMatch(/^actions\/[a-z-]+@v\d+$/);
      // What an expression stands for would be part of the script: titles of pull requests have run as commands that way.
      if (run !== undefined) expect(run).not.toContain("${{");
    }
    // The job that may write gets no code of the pull request.
    expect(jobs.comment.steps.map((s) => s.uses)).not.toContainEqual(expect.stringContaining("checkout"));
  });
});

/** Steps that need a network and root: tried by hand. */
const INSTALLS = ["Install the compiler and QEMU", "Install bitloom", "Install Renode"];

/** Runs a step as GitHub's runner does; what it has in `${{ }}` comes from `values`. */
function runStep({ run, env }: Step, values: Readonly<Record<string, string>> = {}) {
  const filled = Object.entries(env ?? {}).map(([name, value]) => {
    const known = /^\$\{\{ (.+) \}\}$/.exec(value)?.[1];
    if (known !== undefined && values[known] === undefined) throw new Error(`no value for ${known}`);
    return [name, known === undefined ? value : values[known]!];
  });
  return execa("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", run!], {
    cwd: project,
    reject: false,
    env: {
      ...fromFile().env,
      BITLOOM_OBJECT_CACHE: process.env.BITLOOM_OBJECT_CACHE ?? ".bitloom-cache/objects",
      ...Object.fromEntries(filled),
      PATH: `${join(place.folder, "bin")}:${process.env.PATH}`,
      TMPDIR: place.temporary,
      GITHUB_STEP_SUMMARY: join(place.folder, "summary.md"),
      GITHUB_REPOSITORY: "someone/project",
    },
  });
}

const needed = ["arm-none-eabi-gcc", "qemu-system-arm", "cc", "bash"];
describeWith(needed, "the workflow's steps", () => {
  place.program("bitloom", `exec "${process.execPath}" "${commandLine}" "$@"`);
  const named = (of: "verify" | "compare" | "comment", name: string): Step =>
    fromFile().jobs[of].steps.find((s) => s.name === name)!;
  const comparison = (): string => readFileSync(join(project, "bitloom-reports/comparison.md"), "utf8");
  const compare = () => runStep(named("compare", "Compare flash, RAM and instructions"));
  const baseline = join(project, "bitloom-baseline.json");

  it("are all run here but those that install", () => {
    const { verify, compare: comparing, comment } = fromFile().jobs;
    const scripts = [verify, comparing, comment].flatMap((j) => j.steps.filter((s) => s.run !== undefined));
    expect(new Set(scripts.map((s) => s.name))).toEqual(
      new Set([...INSTALLS, "Verify every bit", "Compile", "Compare flash, RAM and instructions", "Comment"]),
    );
  });

  it("verify in parts that are the whole together, each with its report", async () => {
    const suites: string[] = [];
    for (const part of fromFile().jobs.verify.strategy!.matrix.part) {
      const done = await runStep(named("verify", "Verify every bit"), { "matrix.part": `${part}` });
      expect(done).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining(`part ${part}/2 of 2 runs`),
      });
      const report = readFileSync(join(project, `bitloom-reports/verify-${part}.xml`), "utf8");
      suites.push(...[...report.matchAll(/<testsuite name="([^"]*)"/g)].map((m) => m[1]!));
    }
    expect(suites.sort()).toEqual([
      "net for microbit in qemu microbit, as flashed",
      "net for microbit in qemu microbit, with traces",
      "net for mps2-an386 in qemu mps2-an386, as flashed",
      "net for mps2-an386 in qemu mps2-an386, with traces",
    ]);
  });

  it("compile a library for each board", async () => {
    expect((await runStep(named("compare", "Compile"))).exitCode).toBe(0);
    for (const board of ["microbit", "mps2-an386"]) {
      expect(readdirSync(join(project, "bitloom-reports/library", board, "models/net"))).toContain("net.h");
    }
  });

  it("compare: without a baseline they fail and write one, with it they pass, and fail again when a figure grew", async () => {
    expect((await compare()).exitCode).toBe(1);
    expect(comparison()).toContain("### bitloom: 2 of 2 are not in the baseline");
    cpSync(join(project, "bitloom-reports/bitloom-baseline.json"), baseline);
    expect((await compare()).exitCode).toBe(0);
    expect(comparison()).toContain("### bitloom: no figure grew by more than 1 %");
    expect(readFileSync(join(place.folder, "summary.md"), "utf8")).toContain(comparison());

    const committed = readFileSync(baseline, "utf8");
    const lowered = committed.replace(
      /"instructions":(\d+)/,
      (_, n: string) => `"instructions":${Math.floor(Number(n) / 1.5)}`,
    );
    expect(lowered).not.toBe(committed);
    writeFileSync(baseline, lowered);
    expect((await compare()).exitCode).toBe(1);
    expect(comparison()).toMatch(
      /### bitloom: 1 figure grew by more than 1 %[\s\S]*\*\*\d+ → \d+ \(\+50\.0 %\)\*\*/,
    );
  });

  it("comment: a first time with a new comment, then by changing it", async () => {
    const log = join(place.folder, "gh.log");
    // Answers the search for the comment with GH_FOUND, and logs what is sent.
    place.program(
      "gh",
      `if [[ "$*" == *--jq* ]]; then printf '%s' "$GH_FOUND"; else printf '%s\\n' "$*" >> "${log}"; fi`,
    );
    const comment = (found: string) => {
      process.env.GH_FOUND = found;
      return runStep(named("comment", "Comment"), {
        "github.token": "none",
        "github.event.pull_request.number": "7",
      });
    };
    expect((await comment("")).exitCode).toBe(0);
    expect((await comment("1234\n5678\n")).exitCode).toBe(0);
    delete process.env.GH_FOUND;
    const sent = "--field body=@bitloom-reports/comparison.md";
    expect(readFileSync(log, "utf8").trim().split("\n")).toEqual([
      `api --silent --method POST repos/someone/project/issues/7/comments ${sent}`,
      `api --silent --method PATCH repos/someone/project/issues/comments/1234 ${sent}`,
    ]);
    expect(comparison()).toMatch(/^<!-- bitloom compare -->\n/);
    expect(named("comment", "Comment").run).toContain('startswith("<!-- bitloom compare -->")');
    rmSync(join(project, "bitloom-reports/comparison.md"));
    expect((await comment("")).stdout).toContain("There is no comparison to show");
  });

  it("fail when the model is damaged, and say so in the report", async () => {
    const path = join(project, "models/net.onnx");
    writeFileSync(path, readFileSync(fixture).subarray(0, 3000));
    const done = await runStep(named("verify", "Verify every bit"), { "matrix.part": "1" });
    expect(done.exitCode).toBe(2);
    expect(done.stderr).toMatch(/truncated or damaged/);
    const report = readFileSync(join(project, "bitloom-reports/verify-1.xml"), "utf8");
    expect(report).toMatch(
      /<testcase name="model compiles and builds"[^>]*>\s*<error message="[^"]*truncated or damaged/,
    );
    expect((await runStep(named("compare", "Compile"))).exitCode).toBe(2);
    expect((await compare()).exitCode).toBe(2);
  });
});
