import { printable } from "./text.js";

/** How much a diagnostic matters: errors stop the command, warnings and notes do not. */
export type Severity = "error" | "warning" | "note";

/** One thing to tell the user, as data. The text is assembled by `renderDiagnostics`. */
export interface Diagnostic {
  readonly severity: Severity;
  /** Stable identifier, e.g. `onnx/unsupported-op`. Scripts may match on it. */
  readonly code: string;
  /** What is wrong, one sentence, no trailing full stop. */
  readonly message: string;
  /** Where: a node, a tensor, a file. Untrusted text is escaped when rendered. */
  readonly where?: string;
  /** What the user can do about it. */
  readonly remedy?: string;
}

/** Exit codes of every command. */
export const ExitCode = { ok: 0, checkFailed: 1, badInput: 2, toolMissing: 3 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Carries diagnostics to the command line. Everything a user can cause ends here, never in a bare Error. */
export class BitloomError extends Error {
  override readonly name = "BitloomError";
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: ExitCode;

  constructor(diagnostics: readonly Diagnostic[], exitCode: ExitCode = ExitCode.badInput) {
    const lines = diagnostics.map((d) =>
      d.where === undefined ? d.message : `${printable(d.where)}: ${d.message}`,
    );
    super(lines.join("\n"));
    this.diagnostics = diagnostics;
    this.exitCode = exitCode;
  }
}

/** A `BitloomError` with a single error: the common case of a check that cannot continue. */
export function fail(
  code: string,
  message: string,
  detail: { where?: string; remedy?: string; exitCode?: ExitCode } = {},
): BitloomError {
  const { exitCode = ExitCode.badInput, ...rest } = detail;
  return new BitloomError([{ severity: "error", code, message, ...rest }], exitCode);
}

/** Collects diagnostics so that a user sees every problem of a file at once. */
export class Diagnostics {
  readonly #all: Diagnostic[] = [];

  error(code: string, message: string, detail: { where?: string; remedy?: string } = {}): void {
    this.#all.push({ severity: "error", code, message, ...detail });
  }

  warn(code: string, message: string, detail: { where?: string; remedy?: string } = {}): void {
    this.#all.push({ severity: "warning", code, message, ...detail });
  }

  note(code: string, message: string, detail: { where?: string; remedy?: string } = {}): void {
    this.#all.push({ severity: "note", code, message, ...detail });
  }

  get all(): readonly Diagnostic[] {
    return this.#all;
  }

  get hasErrors(): boolean {
    return this.#all.some((d) => d.severity === "error");
  }

  /** Throws all collected diagnostics when there is an error among them. */
  throwIfErrors(): void {
    if (this.hasErrors) throw new BitloomError(this.#all);
  }
}
