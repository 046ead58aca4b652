import { emitLibrary } from "../../src/emit/index.js";
import type { Plan } from "../../src/plan/index.js";

/** A library's own sources as one text, for programs that include it. */
export function librarySource(plan: Plan): string {
  const { files } = emitLibrary(plan, { name: "net", version: "tested", arch: "", knownAnswers: [] });
  const own = ["net.h", "net_weights.h", "net_weights.c", "net.c"];
  const texts = own.map((path) => files.find((f) => f.path === path)!.text);
  return texts.join("\n").replaceAll(/^#include "net.*$/gm, "");
}
