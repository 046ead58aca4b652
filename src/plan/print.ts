import { printable } from "../diagnostics/text.js";
import type { Place, Plan } from "./types.js";

/** The plan as text: what `--print-after plan` shows. */
export function printPlan(plan: Plan): string {
  const { memory, program } = plan;
  const lines = [
    `plan ${printable(program.name)}: arena ${memory.arenaBytes} B (lower bound ${memory.lowerBound} B)`,
  ];
  for (const { symbol, choice, input, output } of plan.steps) {
    lines.push(
      `  ${symbol}: %${choice.input}@${placeText(input)} -> %${choice.output}@${placeText(output)}, ${choice.call.function}`,
    );
  }
  lines.push(`  weights ${plan.weightBytes} B`);
  return `${lines.join("\n")}\n`;
}

function placeText(place: Place): string {
  return place.kind === "arena" ? `arena+${place.offset}` : place.kind;
}
