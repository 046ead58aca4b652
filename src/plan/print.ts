import { printable } from "../diagnostics/text.js";
import type { Layout } from "../kernels/layout.js";
import type { MemoryPlan, Place, Plan } from "./types.js";

/** The plan as text: what `--print-after plan` shows. */
export function printPlan(plan: Plan): string {
  const { memory, program } = plan;
  const lines = [
    `plan ${printable(program.name)}: arena ${memory.arenaBytes} B (lower bound ${memory.lowerBound} B, ${memory.proven ? "proven" : "not proven"})${banksText(memory)}`,
  ];
  for (const { symbol, choice, inputs, output, scratch } of plan.steps) {
    const from = choice.inputs.map(
      (id, i) => `%${id}@${placeText(inputs[i]!)}${layoutText(choice.inputLayouts[i]!)}`,
    );
    const to = `%${choice.output}@${placeText(output)}${layoutText(choice.outputLayout)}`;
    const working = scratch === undefined ? "" : `, scratch ${choice.scratchBytes} B @${placeText(scratch)}`;
    lines.push(`  ${symbol}: ${from.join(", ")} -> ${to}, ${choice.call.function}${working}`);
  }
  lines.push(`  weights ${plan.weightBytes} B`);
  return `${lines.join("\n")}\n`;
}

function banksText({ banks }: MemoryPlan): string {
  return banks === undefined ? "" : `, in banks of ${banks.join(", ")} B`;
}

/** The canonical layout goes without saying. */
function layoutText(layout: Layout): string {
  return layout === "channels" ? "" : ` (${layout})`;
}

function placeText(place: Place): string {
  return place.kind === "arena" ? `arena+${place.offset}` : place.kind;
}
