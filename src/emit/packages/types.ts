import type { Library } from "../library.js";

/** A file of a package. */
export interface PackageFile {
  /** Relative path; folders are separated by `/`. */
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** What registries and project files call the package; already checked (`identity.ts`). */
export interface Identity {
  /** `major.minor.patch`. */
  readonly version: string;
  /** Who publishes it: letters, digits, `_` and `-`. */
  readonly vendor: string;
  /** Home page, or empty. */
  readonly url: string;
}

/** A way to hand the library to a build system. */
export interface Package {
  /** Pure: the same library and identity give the same bytes. */
  readonly files: (library: Library, identity: Identity) => readonly PackageFile[];
}
