import { stackPath } from "../emit/index.js";
import type { LayerProfile, Profile } from "../profile.js";
import { textTable } from "./table.js";

/** A profile as a table: one line per layer, and the whole run. */
export function profileText(profile: Profile, note?: string): string {
  const { total, layers, inputs } = profile;
  const hasCycles = total.estimatedCycles !== null;
  const head = ["layer", "instr", "per MAC", ...(hasCycles ? ["cycles (est.)"] : [])];
  const rows = layers.map((l) => [
    l.layer,
    Math.round(l.instructions),
    perMac(l.instructionsPerMac),
    ...(hasCycles ? [l.estimatedCycles ?? 0] : []),
    l.codeBytes,
    l.constantBytes,
    l.arenaBytes,
    l.scratchBytes,
    l.stackBytes,
  ]);
  const whole = [
    "whole run",
    Math.round(total.instructions),
    perMac(total.instructionsPerMac),
    ...(hasCycles ? [total.estimatedCycles ?? 0] : []),
    total.flashBytes - total.constantBytes,
    total.constantBytes,
    total.arenaBytes,
    0,
    total.stackBytes,
  ];
  const varying = layers.filter((l) => l.fewest !== l.most);
  return [
    `${profile.emulator} ${profile.board} (${profile.core}), ${inputs} input${inputs === 1 ? "" : "s"}`,
    ...(note === undefined ? [] : [note]),
    "",
    textTable([...head, "code B", "const B", "arena B", "scratch B", "stack B"], [...rows, whole]),
    "",
    "Executed instructions are exact; shared code counts in every layer that runs it, once in the whole.",
    ...(profile.timings === null ? [] : [`Cycles are estimates: ${profile.timings}.`]),
    ...varying.map(varyingText),
    "",
    "Stack at most, by function with what it adds:",
    ...profile.stack.map((s) => `${s.function} ${s.bytes}: ${stackPath(s.path)}`),
  ].join("\n");
}

function perMac(value: number | null): string {
  return value === null ? "" : value.toFixed(4);
}

function varyingText({ layer, fewest, most }: LayerProfile): string {
  return `${layer} takes ${fewest} to ${most} instructions, depending on the input.`;
}
