import { Command } from "commander";

interface ModelArgument {
  /** What may be given, before the list of formats. */
  readonly what?: string;
  /** Whether the command takes several models. */
  readonly several?: boolean;
}

/** A command that takes a model file, or several, with the options that all of those share. */
export function modelCommand(
  name: string,
  description: string,
  { what = "trained model", several = false }: ModelArgument = {},
): Command {
  return new Command(name)
    .description(description)
    .argument(
      several ? "<model...>" : "<model>",
      `${what}: ONNX or QONNX (.onnx), TFLite or Larq Compute Engine (.tflite), Keras with Larq or QKeras (.h5, .keras), bundle (.json)`,
    )
    .option("--name <name>", "prefix of C symbols and files (default: from the file's name)")
    .option(
      "--input-type <type>",
      "what the device gets: u8, i8, i16 or f32 (default: u8 for images, else f32)",
    )
    .option("--input-scale <scale>", "real value of one integer step, e.g. 1/255")
    .option("--input-zero <zero>", "integer that stands for 0")
    .option(
      "--sign-of-zero <sign>",
      "what Sign of plain ONNX gives at 0 where that matters: +1 or -1 as in training, or 0 as ONNX has it",
    )
    .option(
      "--streams <form>",
      "float32 tensors as the framework has them (float32), or in 16 bits of fixed point (q16): faster, and approximate",
      "float32",
    )
    .option("--optimize <goal>", "what kernels are chosen for: speed, size (flash) or ram", "speed")
    .option(
      "--ram-limit <bytes>",
      "bytes of arena at most: the fastest plan that keeps it, layers row by row where needed",
    )
    .option(
      "--arena-banks <sizes>",
      "bytes of several memories in place of one arena, e.g. 16K,64K: NAME_init takes them all, the first is filled first",
    )
    .option(
      "--push <what>",
      "rows: the input is given row by row to NAME_push_row, and is never whole in RAM; samples: a signal without end, by NAME_push_sample",
    )
    .option("--json", "print one JSON object", false);
}
