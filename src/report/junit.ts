/**
 * Verifications as JUnit XML, which CI services show as tests: a suite for each build of a model for a board, a case for each check.
 * Elements and attributes are those that Jenkins' schema of the format (junit-10.xsd) allows.
 */
import type { Check } from "../checks.js";
import type { Diagnostic, ExitCode } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { divergenceText } from "../expectations.js";
import type { BuildVerdict } from "../verify.js";
import type { BuildName, NotChecked } from "../verify-images.js";
import { buildTitles } from "./verification.js";

/** One model on one board. */
export interface JUnitRun {
  readonly model: string;
  /** Board that was asked for. */
  readonly board: string;
  /** Emulator and board that it ran on. */
  readonly machine: string;
  /** Empty when there was no image to run. */
  readonly builds: readonly BuildVerdict[];
  /** Builds that could not run: all of their cases are skipped. */
  readonly notChecked?: readonly NotChecked[];
  /** Why there was none. */
  readonly failure?: { readonly diagnostics: readonly Diagnostic[]; readonly exitCode: ExitCode };
  readonly seconds: number;
}

interface Case {
  readonly name: string;
  readonly verdict: Check["verdict"] | "error";
  readonly type: string;
  readonly detail: string;
}

interface Suite {
  readonly name: string;
  readonly className: string;
  readonly seconds: number;
  readonly cases: readonly Case[];
}

const titles: Readonly<Record<Check["check"], string>> = {
  memory: "image links within the board's memories",
  "instruction-set": "image has only instructions of its core",
  "self-test": "self-test",
  outputs: "outputs equal the reference's, bit for bit",
  stack: "stack stays within its bound and its room",
};

/** Which case is the one that an error fails, where it is not the build. */
const failedCases: Readonly<Record<string, string>> = {
  "toolchain/does-not-fit": titles.memory,
  "verify/stand-in-too-small": titles.outputs,
};

export function junitXml(runs: readonly JUnitRun[]): string {
  const suites = runs.flatMap(suitesOf);
  const { tests, failures, errors } = countsOf(suites.flatMap((s) => s.cases));
  const seconds = runs.reduce((total, r) => total + r.seconds, 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: "bitloom verify", tests, failures, errors, time: seconds.toFixed(3) })}>`,
    ...suites.flatMap(suiteLines),
    "</testsuites>",
    "",
  ].join("\n");
}

function suitesOf(run: JUnitRun): Suite[] {
  const { model, board, machine, builds, notChecked = [], failure, seconds } = run;
  const where = `${model} for ${board} in ${machine}`;
  const className = `bitloom.${model}.${board}`;
  const suite = (build: BuildName, took: number, checks: readonly Check[]): Suite => ({
    name: `${where}, ${buildTitles[build]}`,
    className: `${className}.${build}`,
    seconds: took,
    cases: checks.map((c) => ({ name: titles[c.check], type: c.check, ...c, detail: detailOf(c, builds) })),
  });
  const suites = [
    ...builds.map((b) => suite(b.build, b.seconds, b.checks)),
    ...notChecked.map((b) => suite(b.build, 0, skippedChecks(b, builds))),
  ];
  if (failure === undefined) return suites;
  return [
    ...suites,
    { name: where, className, seconds, cases: failure.diagnostics.filter(isError).map(failed) },
  ];

  function failed({ code, message, where: place, remedy }: Diagnostic): Case {
    const detail = [place === undefined ? message : `${place}: ${message}`, remedy]
      .filter(Boolean)
      .join("\n");
    const name = failedCases[code] ?? "model compiles and builds";
    return { name, type: code, verdict: failure?.exitCode === 1 ? "failed" : "error", detail };
  }
}

/** The checks that the other build had, so that a report has the same cases on every board. */
function skippedChecks({ reason, remedy }: NotChecked, builds: readonly BuildVerdict[]): Check[] {
  const names = builds[0]?.checks.map(({ check }) => check) ?? ["outputs"];
  return names.map((check) => ({ check, verdict: "skipped", detail: `${reason}; ${remedy}` }));
}

/** The build as flashed has no traces: where its outputs differ, the other build knows the layer. */
function detailOf({ check, verdict, detail }: Check, builds: readonly BuildVerdict[]): string {
  const divergence = builds.find((b) => b.divergence !== undefined)?.divergence;
  if (check !== "outputs" || verdict !== "failed" || divergence === undefined) return detail;
  const layer = divergenceText(divergence);
  return detail.includes(layer) ? detail : `${detail}; with traces, ${layer}`;
}

function isError({ severity }: Diagnostic): boolean {
  return severity === "error";
}

function suiteLines({ name, className, seconds, cases }: Suite): string[] {
  return [
    `  <testsuite${attributes({ name, ...countsOf(cases), time: seconds.toFixed(3) })}>`,
    ...cases.flatMap((c) => caseLines(c, className)),
    "  </testsuite>",
  ];
}

function caseLines({ name, verdict, type, detail }: Case, classname: string): string[] {
  const open = `    <testcase${attributes({ name, classname })}>`;
  const firstLine = detail.split("\n")[0]!;
  if (verdict === "passed")
    return [open, `      <system-out>${text(detail)}</system-out>`, "    </testcase>"];
  if (verdict === "skipped")
    return [open, `      <skipped${attributes({ message: firstLine })}/>`, "    </testcase>"];
  const element = verdict === "error" ? "error" : "failure";
  return [
    open,
    `      <${element}${attributes({ message: firstLine, type })}>${text(detail)}</${element}>`,
    "    </testcase>",
  ];
}

function countsOf(cases: readonly Case[]): Record<"tests" | "failures" | "errors" | "skipped", string> {
  const count = (verdict: Case["verdict"]): string => `${cases.filter((c) => c.verdict === verdict).length}`;
  return {
    tests: `${cases.length}`,
    failures: count("failed"),
    errors: count("error"),
    skipped: count("skipped"),
  };
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(printable(value, 1000))}"`)
    .join("");
}

/** Text of an element: its lines stay lines, everything else that does not print is escaped. */
function text(value: string): string {
  const lines = value.split("\n").map((line) => printable(line, 2000));
  return escaped(lines.join("\n"));
}

/** XML has no way to write most control characters: `printable` has made them visible before. */
function escaped(value: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return value.replace(/[&<>"]/g, (character) => entities[character]!);
}
