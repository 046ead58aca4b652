/**
 * Files that hold weights without the layers they belong to: safetensors, npz and pickles. The messages tell how a
 * bundle is made of them, with commands that can be copied.
 */
import { FILE_LIMIT } from "./common/limits.js";
import { isNpz } from "./npz.js";
import { isSafetensors } from "./safetensors.js";
import { isZip, ZipArchive } from "./zip.js";

export interface WeightsAlone {
  readonly name: string;
  readonly remedy: string;
}

const HOW = "docs/FORMATS.md (Bundle) describes manifests, and examples/pytorch-bundle/bundle.py writes them";
/** Longer names are shortened to an example: a command of many lines helps nobody. */
const LONGEST_NAME = 200;
/** What torch.save wrote before it wrote archives: a pickle that begins with this number. */
const TORCH_MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/** What a file of weights is and what to do with it; undefined for other files. */
export function weightsAlone(bytes: Uint8Array, fileName: string): WeightsAlone | undefined {
  if (isSafetensors(bytes))
    return {
      name: "weights alone (safetensors)",
      remedy: `pass the manifest (.json) that names this file; ${HOW}`,
    };
  const archive = isZip(bytes) ? openArchive(bytes) : undefined;
  if (archive !== undefined && isNpz(archive))
    return { name: "weights alone (npz)", remedy: `pass the manifest (.json) that names this file; ${HOW}` };
  return pickled(bytes, fileName);
}

/** Which pickle a file is, and how it is converted; undefined for other files. */
export function pickled(bytes: Uint8Array, fileName: string): WeightsAlone | undefined {
  if (isZip(bytes)) return pickledArchive(bytes, fileName);
  // The length of a header may have a pickle's first two bytes.
  if (isSafetensors(bytes)) return undefined;
  if (TORCH_MAGIC.every((byte, i) => bytes[i] === byte)) return torchFile(fileName);
  return bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5 ? otherPickle(fileName) : undefined;
}

function pickledArchive(bytes: Uint8Array, fileName: string): WeightsAlone | undefined {
  const archive = openArchive(bytes);
  if (archive === undefined) return undefined;
  const has = (member: string): boolean =>
    archive.names.some((n) => n === member || n.endsWith(`/${member}`));
  if (!has("data.pkl")) return undefined;
  return has("constants.pkl") ? scriptFile(fileName) : torchFile(fileName);
}

function openArchive(bytes: Uint8Array): ZipArchive | undefined {
  try {
    return new ZipArchive(bytes, FILE_LIMIT);
  } catch {
    return undefined;
  }
}

const CONVERT = "pickles are never read, since they run code; convert it:";
const SAVE = "import torch, safetensors.torch as s; s.save_file";

function torchFile(fileName: string): WeightsAlone {
  const load = (file: string): string => `torch.load(${file}, map_location="cpu", weights_only=True)`;
  return {
    name: "a Python pickle (PyTorch .pt)",
    remedy: `${CONVERT} ${convert(fileName, ".safetensors", (from, to) => `${SAVE}(${load(from)}, ${to})`)} (of a checkpoint or a whole module, its state_dict()); ${HOW}; with the net's code at hand, torch.onnx.export needs none of this`,
  };
}

function scriptFile(fileName: string): WeightsAlone {
  const load = (file: string): string => `dict(torch.jit.load(${file}, map_location="cpu").state_dict())`;
  return {
    name: "a Python pickle (TorchScript)",
    remedy: `${CONVERT} ${convert(fileName, ".safetensors", (from, to) => `${SAVE}(${load(from)}, ${to})`)}; ${HOW}`,
  };
}

function otherPickle(fileName: string): WeightsAlone {
  const script = (from: string, to: string): string =>
    `import joblib, numpy; numpy.savez(${to}, **joblib.load(${from}))`;
  return {
    name: "a Python pickle (joblib, or PyTorch .pt)",
    remedy: `${CONVERT} if it is a dict of arrays and you trust it, ${convert(fileName, ".npz", script)}; ${HOW}`,
  };
}

/** A command for POSIX shells. The file's name is a literal of Python within a word in single quotes. */
function convert(fileName: string, ending: string, script: (from: string, to: string) => string): string {
  const from = fileName.length <= LONGEST_NAME ? fileName : "net.pt";
  const to = from.replace(/\.[A-Za-z0-9]{1,8}$/, "") + ending;
  return `python -c '${script(pythonText(from), pythonText(to)).replaceAll("'", "'\\''")}'`;
}

/** A string of Python in printable ASCII. */
function pythonText(text: string): string {
  const escaped = [...text].map((c) => {
    const code = c.codePointAt(0)!;
    if (c === '"' || c === "\\") return `\\${c}`;
    if (code >= 0x20 && code < 0x7f) return c;
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  });
  return `"${escaped.join("")}"`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
