/** Whole nets: the examples. */
import { existsSync, readFileSync } from "node:fs";
import { packageFile } from "../src/assets/package-files.js";
import { compileModelFile } from "../src/compile.js";
import { qemuEmulator } from "../src/emulators/index.js";
import { randomBatch } from "../src/inputs.js";
import { profileModel } from "../src/profile.js";
import type { Board } from "../src/targets/index.js";
import type { Figures } from "../src/tuning/run.js";

const EXAMPLES = ["mnist-mlp", "mnist-cnn"];
const INPUTS = 3;

/** Names of the nets that are here. */
export function netNames(): string[] {
  return EXAMPLES.filter((name) => existsSync(modelPath(name))).map((name) => `net-${name}`);
}

/** Figures of a whole run; constants of all layers, and the arena as working memory. */
export async function runNet(net: string, board: Board): Promise<Figures> {
  const path = modelPath(net.replace(/^net-/, ""));
  const model = compileModelFile(readFileSync(path), path, { cpu: board.cpu });
  const { total } = await profileModel(model, randomBatch(model.program, INPUTS, 1), {
    emulator: qemuEmulator,
    board,
    link: qemuEmulator.link,
  });
  return {
    kernel: "all layers",
    instructions: total.most,
    fewest: total.fewest,
    cycles: total.estimatedCycles,
    macs: total.macs,
    codeBytes: total.flashBytes - total.constantBytes,
    constantBytes: total.constantBytes,
    scratchBytes: total.arenaBytes,
    firstInstructions: total.most,
    wholeInstructions: total.most,
  };
}

function modelPath(name: string): string {
  return packageFile(`examples/${name}/model.onnx`);
}
