import type { Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { rowsCost } from "./conv-rows-cost.js";
import {
  type Form,
  LISTS,
  type RowsGeometry,
  type RowsSizes,
  rowsGeometry,
  rowsSizes,
} from "./conv-rows-geometry.js";
import { constantOutput, packPresets, packRows } from "./conv-rows-pack.js";
import { narrowing } from "./narrow.js";
import { offeredTilings } from "./tilings.js";
import {
  type ConstantArray,
  type DescriptorField,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelChoice,
} from "./types.js";
import { windowSizes } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv" }>;

/** Limit of the form `inputs`, whose list holds half of all inputs; `pairs` goes on in further lists. */
const MAX_INPUTS = 4096;

/** ±1 × ±1 convolution and dense layers: `runtime-c/bitloom_conv_rows.h`. */
export const convRows: Kernel = {
  name: "conv_rows",
  summary: "±1 × ±1 convolution and dense, inputs select rows of 32 outputs, bit-sliced counters",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv");
    const geometry = conv === undefined ? undefined : rowsGeometry(program, conv);
    if (conv === undefined || geometry === undefined) return [];
    const threshold = followingThreshold(program, index);
    const fused =
      threshold?.levels === 1 && program.tensors[threshold.output]!.domain.kind === "codes"
        ? { thresholds: threshold.thresholds, output: threshold.output, covers: [index, index + 1] }
        : undefined;
    const alone = { thresholds: undefined, output: conv.output, covers: [index] };
    const forms: Form[] = geometry.taps * geometry.channels <= MAX_INPUTS ? ["pairs", "inputs"] : ["pairs"];
    return forms.flatMap((form) => {
      const sums = choices({ conv, geometry, form, ...alone }, cpu);
      return [
        ...(fused === undefined ? [] : choices({ conv, geometry, form, ...fused }, cpu)),
        ...sums.flatMap((choice) => narrowing(program, choice, "bitloom_conv_rows")),
        ...sums,
      ];
    });
  },
};

/** What is executed, and the form of its rows. */
interface RowsLayer {
  readonly conv: Conv;
  readonly geometry: RowsGeometry;
  readonly form: Form;
  /** Absent for sums. */
  readonly thresholds: Int32Array | undefined;
  readonly output: number;
  readonly covers: readonly number[];
}

/** One for each length of the list of pairs that is worth its memory. */
function choices(layer: RowsLayer, cpu: Cpu): KernelChoice[] {
  const { conv, geometry, form, thresholds } = layer;
  const isScores = thresholds === undefined;
  const longest = rowsSizes(geometry, form, isScores, LISTS[0]);
  const longestCost = rowsCost(geometry, form, cpu, longest, isScores).cost;
  const ways = LISTS.map((most) => {
    const sizes = rowsSizes(geometry, form, isScores, most);
    const { cost, work } = rowsCost(geometry, form, cpu, sizes, isScores);
    // Shorter lists are never faster, whatever the estimates say.
    const atLeast = sizes.list === longest.list ? cost : Math.max(cost, longestCost + 1);
    return { tiling: { sizes, cost: atLeast, work }, scratch: sizes.scratchBytes, cost: atLeast };
  });
  const rows = packRows(
    conv.weights,
    geometry,
    form,
    (n) =>
      thresholds !== undefined &&
      constantOutput(thresholds, n, geometry.taps * geometry.channels) !== undefined,
  );
  return offeredTilings(ways, longest.scratchBytes).map(({ sizes, ...estimate }) => ({
    ...choice(layer, rows, sizes),
    ...estimate,
  }));
}

function choice(
  { conv, geometry, form, thresholds, output, covers }: RowsLayer,
  rows: Uint32Array,
  sizes: RowsSizes,
): Omit<KernelChoice, "cost"> {
  const { classes, window } = geometry;
  const hasClasses = classes.rows.length * classes.columns.length > 1;
  const constants: ConstantArray[] = [
    {
      name: "rows",
      type: "uint32_t",
      values: rows,
      layout:
        form === "pairs"
          ? "8 zeros, [group][block][tap][pair][4 rows][words], one bit per output"
          : "8 zeros, [group][block][tap][channel][words], one bit per output",
    },
    {
      name: "presets",
      type: "uint32_t",
      values: packPresets(conv.weights, geometry, form, sizes.planes, thresholds),
      layout: `[class][set][group][output word][${sizes.planes} planes]`,
    },
    ...(hasClasses
      ? [
          {
            name: "row_classes",
            type: "uint8_t" as const,
            values: classes.rowOf.map((c) => c * classes.columns.length),
            layout: `[${geometry.outputHeight} output rows]`,
          },
          {
            name: "column_classes",
            type: "uint8_t" as const,
            values: classes.columnOf,
            layout: `[${geometry.outputWidth} output columns]`,
          },
        ]
      : []),
  ];
  const fields: DescriptorField[] = [
    ["rows", { constant: "rows" }],
    ["presets", { constant: "presets" }],
    ["row_classes", hasClasses ? { constant: "row_classes" } : null],
    ["column_classes", hasClasses ? { constant: "column_classes" } : null],
    ["height", geometry.height],
    ["width", geometry.width],
    ["output_width", geometry.outputWidth],
    ["groups", geometry.groups],
    ["channels", geometry.channels],
    ["outputs", geometry.outputs],
    ...windowSizes(window),
    ["list", sizes.list],
    ["planes", sizes.planes],
    ["form", form === "pairs" ? 0 : 1],
    ["padding", { minus: 0, plus: 1, zero: 2 }[geometry.padding]],
  ];
  return {
    kernel: form === "pairs" ? "conv_rows_pairs" : "conv_rows_inputs",
    covers,
    inputs: [conv.input],
    inputLayouts: ["channels"],
    output,
    outputLayout: "channels",
    scratchBytes: sizes.scratchBytes,
    call: {
      function: `bitloom_conv_rows_${thresholds === undefined ? "scores" : "threshold"}`,
      type: "bitloom_conv_rows",
      fields,
      constants,
      canFail: false,
      runtime: [
        "bitloom_conv_rows.c",
        "bitloom_conv_rows.h",
        "bitloom_conv_rows_core.c",
        "bitloom_conv_rows_core.h",
        "bitloom_conv_rows_core_asm.S",
        "bitloom_codes.h",
        "bitloom_popcount.h",
      ],
    },
  };
}
