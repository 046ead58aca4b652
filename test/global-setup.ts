import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execaSync } from "execa";
import { repoRoot } from "./support/root.js";

/**
 * Command-line tests run what users run: the built program, made from the sources as they are now. Objects of the runtime
 * are compiled once for all tests of a run.
 */
export default function setup(): () => void {
  execaSync("npm", ["run", "--silent", "build"], { cwd: repoRoot });
  if (process.env.BITLOOM_OBJECT_CACHE !== undefined) return () => {};
  const cache = mkdtempSync(join(tmpdir(), "bitloom-objects-"));
  process.env.BITLOOM_OBJECT_CACHE = cache;
  return () => rmSync(cache, { recursive: true, force: true });
}
