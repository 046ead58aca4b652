#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { version } from "../compile.js";
import { ExitCode } from "../diagnostics/diagnostic.js";
import { boardsCommand } from "./boards.js";
import { compareCommand } from "./compare.js";
import { compileCommand } from "./compile.js";
import { doctorCommand } from "./doctor.js";
import { fitCommand } from "./fit.js";
import { flashCommand } from "./flash.js";
import { initCommand } from "./init.js";
import { inspectCommand } from "./inspect.js";
import { listenForSignals } from "./interrupt.js";
import { monitorCommand } from "./monitor.js";
import { opsCommand } from "./ops.js";
import { profileCommand } from "./profile.js";
import { runCommand } from "./run.js";
import { stackCommand } from "./stack.js";
import { tuneCommand } from "./tune.js";
import { verifyCommand } from "./verify.js";

const program = new Command("bitloom")
  .description("Deploy binary, ternary and low-bit neural networks to ARM Cortex-M, bit for bit.")
  .version(version)
  .showHelpAfterError("(add --help for usage)")
  .addHelpText(
    "after",
    "\nExit codes: 0 ok, 1 a check did not hold, 2 bad input or usage, 3 a tool is missing.\n\nExample:\n  bitloom verify mnist.onnx --board microbit\n",
  );
for (const command of [
  compileCommand(),
  inspectCommand(),
  fitCommand(),
  runCommand(),
  verifyCommand(),
  profileCommand(),
  stackCommand(),
  compareCommand(),
  tuneCommand(),
  flashCommand(),
  monitorCommand(),
  boardsCommand(),
  opsCommand(),
  doctorCommand(),
  initCommand(),
]) {
  program.addCommand(command.exitOverride());
}
program.exitOverride();

// An interrupted command still ends its emulator and removes its temporary files: exit handlers do both.
listenForSignals();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed help, version or the usage error already; its own status for errors is 1.
  process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.badInput;
}
