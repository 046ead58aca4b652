/** A generated library on disk. */
export interface LibraryOnDisk {
  /** Folder with the sources and headers. */
  readonly dir: string;
  /** Prefix of its public symbols. */
  readonly name: string;
  /** C and assembly sources to compile, file names below `dir`. */
  readonly sources: readonly string[];
}
