/** The option `--report`: where the page goes, checked before anything is compiled, and what is written there. */
import { statSync } from "node:fs";
import { type CompiledModel, DEFAULT_CPU } from "../compile.js";
import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { curveWithRepeats, planCurve } from "../plan/index.js";
import { type PlanReportOptions, planReport } from "../plan-report.js";
import { planReportHtml } from "../report/html/page.js";
import { type Cpu, findCpu } from "../targets/index.js";
import { compileOptions, type ModelOptions } from "./options.js";
import { writeWholeFile } from "./write-file.js";

interface ReportContext extends Pick<PlanReportOptions, "board" | "profile"> {
  readonly cpu: Cpu | undefined;
  /** Costs that the model was compiled with. */
  readonly measured?: ReadonlyMap<string, number> | undefined;
}

/**
 * The path of `--report`. Throws `cli/report` where its name is not one of a page, so that no model or source is replaced by
 * mistake, and `file/…` where a folder or something else that is no file has the name.
 */
export function checkedReportPath(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  if (!/\.html?$/i.test(path)) {
    throw fail("cli/report", `--report writes a page, and "${printable(path, 60)}" is not the name of one`, {
      remedy: "use a name that ends in .html, e.g. --report report.html",
    });
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return path;
  if (found.isDirectory()) throw fail("file/eisdir", "is a folder, not a file", { where: path });
  throw fail("file/eexist", "exists already as something else", { where: path });
}

/** Writes the page of a model that was compiled with these options. */
export function writeReport(
  path: string,
  model: CompiledModel,
  options: ModelOptions,
  { measured, ...more }: ReportContext,
): void {
  const { goal = "speed", pushes = false, endless = false } = compileOptions(options);
  const cpu = more.cpu ?? findCpu(DEFAULT_CPU);
  const { program, once } = model;
  const planning = { cpu, pushes, endless, ...(measured === undefined ? {} : { measured }) };
  const curve = once === undefined ? planCurve(program, planning) : curveWithRepeats(program, once, planning);
  const report = planReport(model, { ...more, cpu, goal, curve });
  writeWholeFile(path, planReportHtml(report));
}
