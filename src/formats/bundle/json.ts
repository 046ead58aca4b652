/** JSON files: manifests, and what else people have (parts of Keras models are told before). */
import { fail } from "../../diagnostics/diagnostic.js";
import { printable } from "../../diagnostics/text.js";
import { FORMAT } from "./manifest.js";

/** Manifests of hundreds of layers have 100 KB. */
const MANIFEST_LIMIT = 1 << 22;
const LONGEST_START = 1000;

/** Whether a file begins as a JSON object does, after blanks. */
export function isJson(bytes: Uint8Array): boolean {
  return /^\ufeff?[ \t\r\n]*\{/.test(new TextDecoder().decode(bytes.subarray(0, LONGEST_START)));
}

/** The object in a file that holds a manifest. Throws a BitloomError (exit 2) that tells what the file is otherwise. */
export function parseManifest(bytes: Uint8Array, fileName: string): unknown {
  const text = bytes.length <= MANIFEST_LIMIT ? new TextDecoder().decode(bytes) : undefined;
  if (text === undefined) {
    throw fail(
      "bundle/json",
      `this is JSON of ${bytes.length} bytes; manifests have at most ${MANIFEST_LIMIT}`,
      {
        where: fileName,
        remedy: "keep weights in safetensors or npz, beside the manifest",
      },
    );
  }
  const value = parse(text, fileName);
  const fields = new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
  if (fields.get("format") === FORMAT) return value;
  const what = fields.has("layers")
    ? `no manifest: its format is not "${FORMAT}"`
    : "no manifest of a bundle";
  throw fail("formats/unknown", `this is JSON text, but ${what}`, {
    where: fileName,
    remedy: `a manifest begins with "format": "${FORMAT}", "version": 1; docs/FORMATS.md describes it`,
  });
}

function parse(text: string, fileName: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? printable(error.message, 160) : "unknown reason";
    throw fail("bundle/json", `this looks like JSON text, but it is none: ${reason}`, {
      where: fileName,
      remedy:
        "check it with `python -m json.tool`; numbers must be finite, and nothing stands behind a last comma",
    });
  }
}
