/** `verify --target`: a real board at the end of a serial line, in place of an emulator. */
import { ExitCode, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { boardTarget, connectBoard, type Emulator, findSerialPort } from "../emulators/index.js";
import { approximation } from "../evaluate.js";
import { chooseTool, flashImage, readImage } from "../flashing/index.js";
import { junitXml } from "../report/junit.js";
import { verificationText } from "../report/verification.js";
import type { Board } from "../targets/index.js";
import { verifyFlashed, verifyModel } from "../verify.js";
import { type BatchOptions, batchFromOptions } from "./batch.js";
import type { Pair } from "./matrix.js";
import { compileFromOptions, type ModelOptions } from "./options.js";
import type { CommandResult } from "./output.js";
import { progressLine } from "./progress.js";
import { writeWholeFile } from "./write-file.js";

export interface BoardOptions {
  readonly target?: string;
  readonly flash: boolean;
  readonly tool?: string;
}

interface Options extends ModelOptions, BatchOptions, BoardOptions {
  readonly board?: readonly string[];
  readonly shard?: string;
  readonly junit?: string;
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** How many random inputs are taken where nothing else is said. */
export const DEFAULT_COUNT = 20;

/** One model on one board: what the board runs already, or what is flashed to it. */
export async function verifyOnBoard(
  pairs: readonly Pair[],
  target: string,
  options: Options,
): Promise<CommandResult> {
  const { path, board } = onlyPair(pairs, options);
  const model = compileFromOptions(path, options, { cpu: board.cpu });
  const port = portOf(target, board);
  const batch = batchFromOptions(model, options, DEFAULT_COUNT);
  const progress = progressLine(options.json);
  const common = { board, timeoutMs: options.timeoutMs, onProgress: progress.update };
  try {
    const result = options.flash
      ? await verifyModel(model, batch, { ...common, emulator: flashingTarget(board, port, options.tool) })
      : await verifyFlashed(model, batch, {
          ...common,
          connect: (inputBytes) => connectBoard({ port, inputBytes }),
        });
    progress.clear();
    const { builds, seconds, passed } = result;
    const name = model.library.name;
    if (options.junit !== undefined) {
      const run = { model: name, board: board.id, machine: `serial ${printable(port, 60)}`, builds, seconds };
      writeWholeFile(options.junit, junitXml([run]));
    }
    const distance = approximation(model, batch);
    const fields = {
      ...{ model: name, file: path, target: board.id, inputs: batch.count, port, ...result },
      ...(distance === undefined ? {} : { approximation: distance }),
    };
    return {
      text: verificationText(result, passed ? undefined : BOARD_HINT, distance),
      json: { ...fields, runs: [fields] },
      diagnostics: model.diagnostics,
      exitCode: passed ? ExitCode.ok : ExitCode.checkFailed,
    };
  } finally {
    progress.clear();
  }
}

const BOARD_HINT =
  "A board must run this model's harness: `bitloom flash MODEL --board ID`, with the same options for inputs and outputs";

function onlyPair(pairs: readonly Pair[], options: Options): Pair {
  if (options.board === undefined) {
    throw fail("cli/target", "--target needs the board", { remedy: "add e.g. --board stm32f4-discovery" });
  }
  const [pair] = pairs;
  if (pair !== undefined && pairs.length === 1 && options.shard === undefined) return pair;
  throw fail("cli/target", "--target is one board, which runs one model", {
    remedy: "name one model and one board, without --shard",
  });
}

/** `serial:/dev/ttyACM0`, or `serial` for the port with the board's USB ids. */
function portOf(target: string, board: Board): string {
  const match = /^serial(?::(.+))?$/.exec(target);
  if (match === null) {
    throw fail("cli/target", `--target does not know "${printable(target, 60)}"`, {
      remedy: "use serial, or serial:PORT with e.g. /dev/ttyACM0",
    });
  }
  return match[1] ?? findSerialPort(board);
}

/** Flashes each image before it runs. */
function flashingTarget(board: Board, port: string, tool: string | undefined): Emulator {
  const entry = chooseTool(board, tool);
  return boardTarget({ port }, async (image) => flashImage(await readImage(image, board), { board, entry }));
}
