/** What stands between a file and its format: gzip, and the limit on its size. */
import { gunzipSync } from "node:zlib";
import { fail } from "../diagnostics/diagnostic.js";
import { FILE_LIMIT } from "./common/limits.js";

/** The file's bytes without gzip. Throws a BitloomError for files that are empty, too large or damaged. */
export function unpack(bytes: Uint8Array, fileName: string): Uint8Array {
  const unpacked = isGzip(bytes) ? gunzip(bytes, fileName) : bytes;
  if (unpacked.length === 0)
    throw fail("formats/empty", "the file is empty", { where: fileName, remedy: "export the model again" });
  if (unpacked.length <= FILE_LIMIT) return unpacked;
  throw fail("formats/size", `the file has ${unpacked.length} bytes, more than ${FILE_LIMIT}`, {
    where: fileName,
    remedy: "this is more than a microcontroller can hold: check that this is the right file",
  });
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function gunzip(bytes: Uint8Array, fileName: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: FILE_LIMIT });
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown reason";
    throw fail("formats/gzip", `the file is gzip but cannot be unpacked: ${reason}`, {
      where: fileName,
      remedy: `download or compress it again; unpacked models may have at most ${FILE_LIMIT} bytes`,
    });
  }
}
