/** Files that belong to a model of TensorFlow or Keras and are not a model that can be read alone. */

/** What such a file is, and how to get one that is read. */
export interface Fragment {
  readonly name: string;
  readonly remedy: string;
}

const convert =
  "load the model in Python (tf.keras.models.load_model) and save it whole: model.save('model.keras') or model.save('model.h5'); or convert it with Larq Compute Engine to .tflite";

const savedModel: Fragment = { name: "TensorFlow's SavedModel", remedy: convert };
const graphDef: Fragment = { name: "a graph of TensorFlow (.pb)", remedy: convert };
const checkpoint: Fragment = {
  name: "a checkpoint of TensorFlow, which holds weights only",
  remedy: "build the model in Python, call model.load_weights, then model.save('model.keras')",
};
const configAlone: Fragment = {
  name: "the config of a Keras model without its weights",
  remedy: "save the whole model, with its weights: model.save('model.keras')",
};

/** Names of files in the folder that a SavedModel is. */
export const SAVED_MODEL_FILES: readonly string[] = ["saved_model.pb", "saved_model.pbtxt"];

/** The last eight bytes of an index of tables, as LevelDB writes them. */
const TABLE_END = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb] as const;
/** Bytes at the start in which names are looked for. */
const HEAD = 4096;

/** What a file is by its content; undefined where it is none of these. */
export function fragmentOf(bytes: Uint8Array): Fragment | undefined {
  const head = Buffer.from(bytes.subarray(0, HEAD)).toString("latin1");
  if (/^\s*\{/.test(head) && head.includes('"class_name"') && head.includes('"config"')) return configAlone;
  // SavedModel: schema version 1, then a graph that begins with what describes it.
  if (startsWith(bytes, [8, 1, SECOND]) && bytes[afterLength(bytes, 3)] === FIRST) return savedModel;
  if (bytes[0] === FIRST) {
    // keras_metadata.pb: nodes with identifiers of Keras.
    if (head.includes("_tf_keras_")) return savedModel;
    // GraphDef: a node, which begins with a name and an operation.
    const name = afterLength(bytes, 1);
    const operation = afterLength(bytes, name + 1) + (bytes[name + 1] ?? 0);
    if (bytes[name] === FIRST && bytes[operation] === SECOND && /^[A-Z]\w+/.test(head.slice(operation + 2)))
      return graphDef;
  }
  return startsWith(bytes.subarray(-TABLE_END.length), TABLE_END) ? checkpoint : undefined;
}

/** Tags of the first two fields of a protobuf message, where these have a length. */
const [FIRST, SECOND] = [0x0a, 0x12];

/** The place behind a length of protobuf, whose bytes but the last have their highest bit set. */
function afterLength(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end < at + 5 && (bytes[end] ?? 0) >= 0x80) end++;
  return end + 1;
}

function startsWith(bytes: Uint8Array, wanted: readonly number[]): boolean {
  return wanted.every((byte, i) => bytes[i] === byte);
}

/** What a folder is by the names in it. */
export function folderFragment(names: readonly string[]): Fragment | undefined {
  if (SAVED_MODEL_FILES.some((name) => names.includes(name))) return savedModel;
  if (names.includes("checkpoint") || names.some((name) => name.endsWith(".index"))) return checkpoint;
  if (names.includes("config.json") && names.includes("model.weights.h5"))
    return { name: "a .keras file that was unpacked", remedy: "pass the .keras file itself" };
  return undefined;
}
