/** Measures layers and nets on one core. */
import { BitloomError } from "../src/diagnostics/diagnostic.js";
import type { DeviceProgram } from "../src/program/index.js";
import type { Board } from "../src/targets/index.js";
import { planInNet } from "../src/tuning/candidates.js";
import type { LayerCase } from "../src/tuning/firmware.js";
import { type Figures, runCases } from "../src/tuning/run.js";
import { netNames, runNet } from "./nets.js";
import { layerInputs, layerProgram } from "./program.js";
import { type LayerShape, layerShapes } from "./shapes.js";

/** Seed of weights, thresholds and inputs. */
export const SEED = 1;

export interface MeasureOptions {
  /** Measures what has this in its name. */
  readonly filter?: string;
  /** Kernel to use in place of the planner's choice. */
  readonly kernel?: string;
  readonly onProgress?: (text: string) => void;
}

export interface Measured {
  readonly figures: Map<string, Figures>;
  /** What could not be measured, and why. */
  readonly notes: string[];
}

const layers = new Map<string, { program: DeviceProgram; inputs: readonly Int32Array[] }>();

/** A layer and its inputs, made once for all cores. */
function layerOf(shape: LayerShape): { program: DeviceProgram; inputs: readonly Int32Array[] } {
  const made = layers.get(shape.id);
  if (made !== undefined) return made;
  const program = layerProgram(shape, SEED);
  const layer = { program, inputs: layerInputs(program, SEED) };
  layers.set(shape.id, layer);
  return layer;
}

export async function measureCore(board: Board, options: MeasureOptions = {}): Promise<Measured> {
  const { filter = "", kernel, onProgress } = options;
  const isWanted = (id: string): boolean => id.includes(filter);
  const figures = new Map<string, Figures>();
  const notes: string[] = [];
  const cases = new Map<string, LayerCase>();
  for (const shape of layerShapes.filter((s) => isWanted(s.id))) {
    const { program, inputs } = layerOf(shape);
    try {
      const plan = planInNet(program, board.cpu, kernel);
      cases.set(shape.id, { plan, inputs });
    } catch (error) {
      if (!(error instanceof BitloomError)) throw error;
      notes.push(`${shape.id} on ${board.cpu.name}: ${error.message}`);
    }
  }
  const results = await runCases([...cases.values()], board, onProgress);
  for (const [i, id] of [...cases.keys()].entries()) {
    const result = results[i];
    if (result === undefined) notes.push(`${id} does not fit ${board.id}`);
    else figures.set(id, result);
  }
  for (const net of kernel === undefined ? netNames().filter(isWanted) : []) {
    onProgress?.(`${board.cpu.id}: ${net}`);
    figures.set(net, await runNet(net, board));
  }
  return { figures, notes };
}
