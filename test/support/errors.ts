import { BitloomError, type Diagnostic } from "../../src/diagnostics/diagnostic.js";

/** The errors with which a piece of work ends; it must end in a BitloomError for the user, exit code 2. */
export function errorsOf(work: () => unknown): readonly Diagnostic[] {
  try {
    work();
  } catch (error) {
    if (!(error instanceof BitloomError)) throw error;
    if (error.exitCode !== 2) throw new Error(`exit code ${error.exitCode}`);
    const errors = error.diagnostics.filter((d) => d.severity === "error");
    if (errors.length === 0) throw new Error("a BitloomError without an error in it");
    for (const d of errors) {
      if (d.code === "graph/invalid") throw new Error(`the verifier had to stop it: ${d.message}`);
      if (typeof d.message !== "string" || typeof (d.remedy ?? "") !== "string") throw new Error("not text");
      if (d.message.length > 2000) throw new Error(`a message of ${d.message.length} characters`);
    }
    return errors;
  }
  throw new Error("it was accepted");
}
