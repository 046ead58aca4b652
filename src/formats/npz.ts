/** Reads numpy's .npz archives: one .npy per named array. */
import { BitloomError } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { checkRank, FILE_LIMIT } from "./common/limits.js";
import { Rejection } from "./common/rejection.js";
import type { StoredTensor, TensorSource } from "./common/tensor-source.js";
import { readNpy } from "./npy.js";
import { ZipArchive } from "./zip.js";

const SUFFIX = ".npy";

/** Whether an archive holds arrays and nothing else. */
export function isNpz({ names }: ZipArchive): boolean {
  return names.length > 0 && names.every((name) => name.endsWith(SUFFIX));
}

/** The arrays of an archive; together they may unpack to a model's size. Throws a Rejection for damaged archives. */
export function openNpz(bytes: Uint8Array): TensorSource {
  const archive = new ZipArchive(bytes, FILE_LIMIT);
  if (!isNpz(archive))
    throw new Rejection("the archive holds other things than arrays", "write it with numpy.savez");
  return {
    names: archive.names.map((name) => name.slice(0, -SUFFIX.length)),
    read: (name) => {
      const member = archive.read(name + SUFFIX);
      return member === undefined ? undefined : readArray(name, member);
    },
  };
}

/** The reader of .npy reports to users; here the importer collects. */
function readArray(name: string, member: Uint8Array): StoredTensor {
  try {
    const { shape, data } = readNpy(member);
    checkRank(shape);
    return { shape, data };
  } catch (error) {
    const [problem] = error instanceof BitloomError ? error.diagnostics : [];
    if (problem === undefined) throw error;
    throw new Rejection(
      `array "${printable(name, 60)}": ${problem.message}`,
      problem.remedy ?? "write it with numpy.savez",
    );
  }
}
