/**
 * bitloom as a library: what the command line uses, for programs that embed it.
 */
export { companionFiles } from "./companion-files.js";
export { type CompiledModel, type CompileOptions, compileModelFile, version } from "./compile.js";
export {
  BitloomError,
  type Diagnostic,
  Diagnostics,
  ExitCode,
  type Severity,
} from "./diagnostics/diagnostic.js";
export { renderDiagnostics } from "./diagnostics/text.js";
export {
  type Identity,
  type Library,
  type LibraryFile,
  type PackageFile,
  type PackageName,
  packageFiles,
  packageNames,
} from "./emit/index.js";
export { type Emulator, hostEmulator, qemuEmulator } from "./emulators/index.js";
export { type Evaluation, evaluate } from "./evaluate.js";
export type { CompanionReader } from "./formats/common/companions.js";
export { type ReadOptions, readModel } from "./formats/index.js";
export { type NpyArray, readNpy, writeNpy } from "./formats/npy.js";
export { type ModelGraph, printGraph } from "./graph/index.js";
export { batchFromArray, type InputBatch, randomBatch } from "./inputs.js";
export { type LoweringOptions, lowerGraph } from "./passes/registry.js";
export { type Plan, planProgram, printPlan } from "./plan/index.js";
export { type PlanReportOptions, planReport } from "./plan-report.js";
export { type DeviceProgram, printProgram } from "./program/index.js";
export type { PlanReport } from "./report/html/data.js";
export { planReportHtml } from "./report/html/page.js";
export { type LayerSummary, type Summary, summarize, summaryText } from "./report/summary.js";
export { type Board, findBoard, listBoards } from "./targets/index.js";
export { type Verification, type VerifyOptions, verifyModel } from "./verify.js";
