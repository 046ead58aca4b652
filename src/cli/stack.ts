import { join } from "node:path";
import type { Command } from "commander";
import { fail } from "../diagnostics/diagnostic.js";
import { stackHeader, stackHeaderName } from "../emit/index.js";
import { stackText } from "../report/stack.js";
import { anyBoardWith, stackOfModel } from "../stack.js";
import { type Board, findBoard } from "../targets/index.js";
import { cpuOf } from "./compile-fit.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions } from "./options.js";
import { type CommandResult, present } from "./output.js";
import { writeWholeFile } from "./write-file.js";

interface Options extends ModelOptions {
  readonly board?: string;
  readonly cpu?: string;
  readonly out?: string;
  readonly json: boolean;
}

export function stackCommand(): Command {
  return modelCommand("stack", "find how much stack a model's functions take at most, from a build of it")
    .option("--board <id>", "board to build for (see `bitloom boards`)")
    .option("--cpu <id>", "core to build for, e.g. cortex-m4, without a board")
    .option("-o, --out <dir>", "write <name>_stack.h, with a macro for each function, into this folder")
    .option("--output <kind>", "scores or float32: what the device returns", "scores")
    .addHelpText("after", "\nExample:\n  bitloom stack mnist.onnx --board microbit -o firmware/mnist\n")
    .action((model: string, options: Options) => present(options.json, () => run(model, options)));
}

async function run(path: string, options: Options): Promise<CommandResult> {
  const board = boardOf(options);
  const model = compileFromOptions(path, options, { cpu: board.cpu });
  const stack = await stackOfModel(model, board);
  const file = options.out === undefined ? null : join(options.out, stackHeaderName(stack.name));
  if (file !== null) writeWholeFile(file, stackHeader(stack));
  const { name, version: _, board: __, ...rest } = stack;
  return {
    text: [stackText(stack), ...(file === null ? [] : ["", `wrote ${file}`])].join("\n"),
    json: { model: name, board: options.board ?? null, ...rest, file },
    diagnostics: model.diagnostics,
  };
}

function boardOf(options: Options): Board {
  const cpu = cpuOf(options);
  if (cpu === undefined) {
    throw fail("cli/stack", "how much stack is taken depends on the core", {
      remedy: "add --board ID or e.g. --cpu cortex-m4",
    });
  }
  return options.board === undefined ? anyBoardWith(cpu) : findBoard(options.board);
}
