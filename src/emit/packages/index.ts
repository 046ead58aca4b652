/**
 * Packages: the same library, laid out and described for a build system. Each file here is one package; what it writes
 * comes from `templates/packages/<name>/`.
 */
import type { Library } from "../library.js";
import { arduino } from "./arduino.js";
import { c } from "./c.js";
import { cmake } from "./cmake.js";
import { cmsisPack } from "./cmsis-pack.js";
import { checkedIdentity } from "./identity.js";
import { platformio } from "./platformio.js";
import type { Identity, Package, PackageFile } from "./types.js";
import { zephyr } from "./zephyr.js";

/** Every package, the plain one first. */
export const packageNames = ["c", "cmake", "arduino", "zephyr", "platformio", "cmsis-pack"] as const;

export type PackageName = (typeof packageNames)[number];

const packages: Readonly<Record<PackageName, Package>> = {
  c,
  cmake,
  arduino,
  zephyr,
  platformio,
  "cmsis-pack": cmsisPack,
};

/** The files of a package. Throws `package/…` (exit 2) for a version, vendor or address that cannot be. */
export function packageFiles(
  library: Library,
  name: PackageName = "c",
  identity: Partial<Identity> = {},
): readonly PackageFile[] {
  return packages[name].files(library, checkedIdentity(identity));
}

export { checkedIdentity } from "./identity.js";
export type { Identity, PackageFile } from "./types.js";
