/** What every tool that writes an image to a board looks like from outside. */
import type { FlashTool } from "../targets/flash-tools.js";
import type { ToolNeed } from "../toolchain/tools.js";

/** What a tool takes: the linked image itself, or what is made of it. */
export type ImageFormat = "elf" | "hex" | "bin" | "uf2";

/** The file that a tool gets. */
export interface ImageFile {
  /** Absolute path. */
  readonly path: string;
  /** Address of its first byte. */
  readonly address: number;
}

/** One program to run. */
export interface FlashStep {
  /** Its name on PATH. */
  readonly program: string;
  readonly args: readonly string[];
}

/** All that a tool needs to write an image. */
export interface FlashPlan {
  /** Files to write first: scripts that a tool reads. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly steps: readonly FlashStep[];
}

/** Why writing failed. Error codes are `flashing/<kind>`. */
export type FailureKind =
  | "no-probe"
  | "no-device"
  | "many-probes"
  | "permission"
  | "busy"
  | "no-target"
  | "wrong-chip"
  | "unknown-target"
  | "protected"
  | "verify"
  | "timeout"
  | "failed";

/** A program that writes images. */
export interface Flasher {
  readonly tool: FlashTool["tool"];
  /** Name of the program on PATH. */
  readonly program: string;
  readonly need: ToolNeed;
  readonly format: ImageFormat;
  /** How it tells its version; absent for one that cannot without a probe. */
  readonly version?: { readonly args: readonly string[]; readonly pattern: RegExp };
  /**
   * What it prints when it fails, the more telling first, and what that means. The texts are those of its sources; each
   * adapter says of which version.
   */
  readonly failures: readonly (readonly [pattern: RegExp, kind: FailureKind])[];
  /** What to do about a failure where this tool needs other words than most. */
  readonly remedies: Partial<Readonly<Record<FailureKind, string>>>;
  /** What it prints when it has worked, where its exit status does not say so. */
  readonly success?: RegExp;
}
