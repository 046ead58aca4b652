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
import { unpack } from "./unpack.js";
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
  const graph = importModel(unpack(bytes, fileName), fileName, options);
  verifyGraph(graph);
  checkWork(graph, fileName);
  return graph;
}

/** By the format that the first bytes tell. ONNX has none of its own: it is what nothing else is. */
function importModel(bytes: Uint8Array, fileName: string, options: ReadOptions): ModelGraph {
  refuseFragments(bytes, fileName);
  if (isKeras(bytes)) return importKeras(bytes, fileName);
  if (isJson(bytes)) return importBundle(parseManifest(bytes, fileName), fileName, options.companions);
  if (isTflite(bytes)) return importTflite(bytes, fileName);
  refuseOthers(bytes, fileName);
  return importOnnx(bytes, fileName, options);
}

/** Parts of a model of Keras, which look like models. */
function refuseFragments(bytes: Uint8Array, fileName: string): void {
  const fragment = fragmentOf(bytes);
  if (fragment === undefined) return;
  throw fail("formats/fragment", `this is ${fragment.name}`, { where: fileName, remedy: fragment.remedy });
}

function refuseOthers(bytes: Uint8Array, fileName: string): void {
  const other = weightsAlone(bytes, fileName) ?? otherFormat(bytes);
  if (other === undefined) return;
  throw fail("formats/unknown", `this looks like ${other.name}, not like a model that bitloom reads`, {
    where: fileName,
    remedy: other.remedy,
  });
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

/** Small files can ask for large maps. */
function checkWork(graph: ModelGraph, fileName: string): void {
  const sizes = Array.from(graph.values.values(), ({ shape }) => shape.reduce((a, b) => a * b, 1));
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total <= VALUES_LIMIT) return;
  throw fail("formats/work", `the model computes ${total} elements, more than ${VALUES_LIMIT}`, {
    where: fileName,
    remedy: "this is more than a microcontroller can do: check the size of the input",
  });
}
