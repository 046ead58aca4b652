import { stackPath } from "../emit/index.js";
import type { ModelStack } from "../stack.js";
import { textTable } from "./table.js";

/** Stack of a library as text: its functions with the deepest path of each, and its layers. */
export function stackText({ core, compiler, flags, entries, layers }: ModelStack): string {
  return [
    `${core}, ${compiler}, ${flags.join(" ")}`,
    "",
    textTable(
      ["function", "stack B"],
      entries.map((e) => [e.function, e.bytes]),
    ),
    "",
    ...entries.map((e) => `${e.function}: ${stackPath(e.path)}`),
    "",
    textTable(
      ["layer", "kernel", "stack B"],
      layers.map((l) => [l.layer, l.kernel, l.bytes]),
    ),
    "",
    "Worst case over all paths, from the stack pointer at the call. Interrupts and hooks of your own come on top.",
  ].join("\n");
}
