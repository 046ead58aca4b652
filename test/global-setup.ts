import { execaSync } from "execa";
import { repoRoot } from "./support/root.js";

/** Command-line tests run what users run: the built program, made from the sources as they are now. */
export default function setup(): void {
  execaSync("npm", ["run", "--silent", "build"], { cwd: repoRoot });
}
