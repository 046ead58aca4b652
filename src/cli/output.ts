import { tmpdir } from "node:os";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { BitloomError, ExitCode } from "../diagnostics/diagnostic.js";
import { renderDiagnostics } from "../diagnostics/text.js";

/** What a command hands back: text for people, data for `--json`, and whether its checks held. */
export interface CommandResult {
  readonly text: string;
  readonly json: object;
  readonly diagnostics?: readonly Diagnostic[];
  readonly exitCode?: ExitCode;
}

/**
 * Runs a command and ends the process with its exit code. Results go to standard output, diagnostics and
 * progress to standard error; with `--json` standard output is one JSON object, errors included.
 */
export async function present(
  json: boolean,
  command: () => Promise<CommandResult> | CommandResult,
): Promise<void> {
  try {
    const result = await command();
    const diagnostics = result.diagnostics ?? [];
    if (json) print({ ok: (result.exitCode ?? ExitCode.ok) === ExitCode.ok, ...result.json, diagnostics });
    else {
      if (diagnostics.length > 0) process.stderr.write(`${renderDiagnostics(diagnostics)}\n`);
      process.stdout.write(
        result.text.endsWith("\n") || result.text === "" ? result.text : `${result.text}\n`,
      );
    }
    process.exitCode = result.exitCode ?? ExitCode.ok;
  } catch (error) {
    const known = asBitloomError(error);
    if (known === undefined) throw error;
    if (json) print({ ok: false, diagnostics: known.diagnostics });
    else process.stderr.write(`${renderDiagnostics(known.diagnostics)}\n`);
    process.exitCode = known.exitCode;
  }
}

/** Errors of the file system are the user's business too; anything else is a defect and keeps its stack. */
export function asBitloomError(error: unknown): BitloomError | undefined {
  if (error instanceof BitloomError) return error;
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  const reasons: Record<string, string> = {
    ENOENT: "no such file or folder",
    EACCES: "permission denied",
    EPERM: "the system does not permit it",
    EISDIR: "is a folder, not a file",
    ENOTDIR: "part of the path is a file, not a folder",
    ENOSPC: "the disk is full",
    EDQUOT: "your share of the disk is used up",
    EFBIG: "the file would be larger than the system permits",
    ENAMETOOLONG: "the name is too long",
    ELOOP: "the path goes through too many symbolic links",
    EMFILE: "too many files are open",
    EROFS: "the file system is read-only",
    EEXIST: "exists already as something else",
  };
  const reason = reasons[error.code];
  if (reason === undefined) return undefined;
  const full = error.code === "ENOSPC" || error.code === "EDQUOT";
  // What is copied is there; room is missing where it goes.
  const path = (full ? textOf(error, "dest") : undefined) ?? textOf(error, "path");
  return new BitloomError([
    {
      severity: "error",
      code: `file/${error.code.toLowerCase()}`,
      message: reason,
      ...(path === undefined ? {} : { where: path }),
      ...(full
        ? { remedy: `make room there; temporary files lie in ${tmpdir()}, or where TMPDIR says` }
        : {}),
    },
  ]);
}

function textOf(error: Error, field: "path" | "dest"): string | undefined {
  const value: unknown = Reflect.get(error, field);
  return typeof value === "string" ? value : undefined;
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
