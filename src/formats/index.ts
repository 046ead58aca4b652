import { gunzipSync } from "node:zlib";
import { fail } from "../diagnostics/diagnostic.js";
import type { ModelGraph } from "../graph/types.js";
import { verifyGraph } from "../graph/verify.js";
import { importBundle } from "./bundle/import.js";
import { isJson, parseManifest } from "./bundle/json.js";
import type { CompanionReader } from "./common/companions.js";
import { FILE_LIMIT, VALUES_LIMIT } from "./common/limits.js";
import { isHdf5 } from "./hdf5/file.js";
import { isKerasArchive } from "./keras/container.js";
import { fragmentOf } from "./keras/fragments.js";
import { importKeras } from "./keras/import.js";
import { importOnnx } from "./onnx/import.js";
import type { SignOfZero } from "./onnx/node.js";
import { otherFormat } from "./sniff.js";
import { importTflite, isTflite } from "./tflite/import.js";
import { weightsAlone } from "./weights-alone.js";
import { isZip, ZipArchive } from "./zip.js";

export interface ReadOptions {
  /** Gives the files that the model file names; without it such models are refused. */
  readonly companions?: CompanionReader;
  /** What a Sign of plain ONNX gives at 0 where that matters: +1 or −1 as the author trained, or ONNX's own 0. */
  readonly signOfZero?: SignOfZero;
}

/**
 * Reads a trained model, whatever its format, by content rather than by name; gzip is unpacked on the way.
 * Throws one BitloomError (exit 2) with every problem of the file.
 */
export function readModel(bytes: Uint8Array, fileName: string, options: ReadOptions = {}): ModelGraph {
  const graph = importModel(bytes, fileName, options);
  const sizes = Array.from(graph.values.values(), ({ shape }) => shape.reduce((a, b) => a * b, 1));
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total <= VALUES_LIMIT) return graph;
  throw fail("formats/work", `the model computes ${total} elements, more than ${VALUES_LIMIT}`, {
    where: fileName,
    remedy: "this is more than a microcontroller can do: check the size of the input",
  });
}

function importModel(bytes: Uint8Array, fileName: string, options: ReadOptions): ModelGraph {
  const unpacked = isGzip(bytes) ? gunzip(bytes, fileName) : bytes;
  if (unpacked.length === 0) {
    throw fail("formats/empty", "the file is empty", { where: fileName, remedy: "export the model again" });
  }
  if (unpacked.length > FILE_LIMIT) {
    throw fail("formats/size", `the file has ${unpacked.length} bytes, more than ${FILE_LIMIT}`, {
      where: fileName,
      remedy: "this is more than a microcontroller can hold: check that this is the right file",
    });
  }
  const fragment = fragmentOf(unpacked);
  if (fragment !== undefined)
    throw fail("formats/fragment", `this is ${fragment.name}`, {
      where: fileName,
      remedy: fragment.remedy,
    });
  if (isKeras(unpacked)) {
    const model = importKeras(unpacked, fileName);
    verifyGraph(model);
    return model;
  }
  if (isJson(unpacked)) {
    const net = importBundle(parseManifest(unpacked, fileName), fileName, options.companions);
    verifyGraph(net);
    return net;
  }
  const other = weightsAlone(unpacked, fileName) ?? otherFormat(unpacked);
  if (other !== undefined) {
    throw fail("formats/unknown", `this looks like ${other.name}, not like a model that bitloom reads`, {
      where: fileName,
      remedy: other.remedy,
    });
  }
  const graph = isTflite(unpacked)
    ? importTflite(unpacked, fileName)
    : importOnnx(unpacked, fileName, options);
  verifyGraph(graph);
  return graph;
}

/** HDF5 is whatever holds it taken for Keras, which says what is missing; of archives only those that Keras writes. */
function isKeras(bytes: Uint8Array): boolean {
  if (isHdf5(bytes)) return true;
  if (!isZip(bytes)) return false;
  try {
    return isKerasArchive(new ZipArchive(bytes, FILE_LIMIT));
  } catch {
    return false;
  }
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
