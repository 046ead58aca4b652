/** Random problems of placement, and an independent solver for them. */
import loadHighs, { type Highs } from "highs";
import type { Block } from "../../src/plan/offsets/block.js";
import type { Random } from "./random-graph.js";

/** Blocks over a few steps, `count` of them at least; `filled`, with more so that all steps are equally full. */
export function randomBlocks(
  random: Random,
  count: number,
  { steps, most, filled, aligns = [1] }: { steps: number; most: number; filled: boolean; aligns?: number[] },
): Block[] {
  const blocks = Array.from({ length: count }, (): Block => {
    const from = random.integer(0, steps - 1);
    const to = Math.min(steps - 1, from + random.integer(0, 3));
    return { bytes: random.integer(1, most), align: aligns[random.integer(0, aligns.length - 1)]!, from, to };
  });
  if (!filled) return blocks;
  const sums = Array.from({ length: steps }, (_, c) =>
    blocks.reduce((sum, b) => (b.from <= c && c <= b.to ? sum + b.bytes : sum), 0),
  );
  const fullest = Math.max(...sums);
  return [
    ...blocks,
    ...sums.flatMap((sum, c) => (sum < fullest ? [{ bytes: fullest - sum, align: 1, from: c, to: c }] : [])),
  ];
}

/** The package's types describe its CommonJS form, whose default export is one level deeper than that of the ES module. */
const load = loadHighs as unknown as typeof loadHighs.default;
let solver: Promise<Highs> | undefined;

/** Whether an integer program finds places below a height: one variable for each block and offset, one block to a byte. */
export async function fitsByIntegerProgram(blocks: readonly Block[], height: number): Promise<boolean> {
  const places = blocks.map(({ bytes, align }) =>
    Array.from({ length: Math.max(0, height - bytes + 1) }, (_, p) => p).filter((p) => p % align === 0),
  );
  if (places.some((p) => p.length === 0)) return false;
  const name = (i: number, p: number): string => `x${i}_${p}`;
  const once = places.map((offsets, i) => `${offsets.map((p) => name(i, p)).join(" + ")} = 1`);
  const last = Math.max(...blocks.map((b) => b.to));
  const shared: string[] = [];
  for (let step = 0; step <= last; step++) {
    for (let byte = 0; byte < height; byte++) {
      const there = blocks.flatMap((b, i) =>
        b.from <= step && step <= b.to
          ? places[i]!.filter((p) => p <= byte && byte < p + b.bytes).map((p) => name(i, p))
          : [],
      );
      if (there.length > 1) shared.push(`${there.join(" + ")} <= 1`);
    }
  }
  const all = places.flatMap((offsets, i) => offsets.map((p) => name(i, p)));
  solver ??= load();
  const lines = ["Minimize", " obj: 0 x0_0", "Subject To", ...once, ...shared, "Binary", ...all, "End"];
  const { Status } = solved(await solver, lines.join("\n"));
  if (Status !== "Optimal" && Status !== "Infeasible") throw new Error(`the solver ended with ${Status}`);
  return Status === "Optimal";
}

/** HiGHS 1.15.3 ends some infeasible programs in its presolver with error −1; without that it solves them. */
function solved(highs: Highs, program: string): { readonly Status: string } {
  try {
    return highs.solve(program, { output_flag: false });
  } catch {
    return highs.solve(program, { output_flag: false, presolve: "off" });
  }
}
