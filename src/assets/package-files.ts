import { fileURLToPath } from "node:url";

/** The package's own folder, from `src/assets` as well as from `dist/assets`. */
const packageRoot = new URL("../../", import.meta.url);

/** Absolute path of a file that ships with the package, e.g. `runtime-c/bitloom_runtime.h`. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(path, packageRoot));
}
