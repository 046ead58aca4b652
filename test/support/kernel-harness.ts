/**
 * Runs kernels alone on the host, under the sanitizers: every array is an allocation of its own, scratch and
 * unused ring slots are poisoned. Inputs and expected outputs come from the device reference.
 */
import { type Layout, layoutBytes, rowBytes, unitBytes } from "../../src/kernels/layout.js";
import { inputRows } from "../../src/kernels/rows.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import {
  canonicalBytes,
  type DeviceProgram,
  type ProgramTensor,
  type TensorValues,
} from "../../src/program/index.js";
import { Blob, CRunner, descriptorText } from "./c-runner.js";
import type { BareTarget } from "./kernel-cases.js";
import type { Random } from "./random-graph.js";

/** One call to be compared with the reference's values of all tensors. */
export interface KernelCase {
  readonly name: string;
  readonly program: DeviceProgram;
  readonly choice: KernelChoice;
  readonly values: readonly TensorValues[];
  /** Rows that one call may be asked for; whole maps too if absent. */
  readonly rows?: number;
}

/** Bytes of a tensor in a physical layout. */
export function layoutBytesOf(tensor: ProgramTensor, values: TensorValues, layout: Layout): Uint8Array {
  if (layout === "channels" || tensor.domain.kind !== "codes") return canonicalBytes(tensor, values);
  const [height, width, channels] = tensor.shape;
  const unit = unitBytes(width);
  const row = rowBytes(tensor, layout);
  const bytes = new Uint8Array(layoutBytes(tensor, layout));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const code = values[(y * width + x) * channels + c]!;
        for (let plane = 0; plane < tensor.domain.bits; plane++) {
          const at = y * row + (plane * channels + c) * unit + (x >> 3);
          if ((code >> plane) & 1) bytes[at]! |= 1 << (x & 7);
        }
      }
    }
  }
  return bytes;
}

/** Bytes of a row that hold elements: rows of the layout `pixels` may end in unused bytes. */
function usedRowBytes(tensor: ProgramTensor, layout: Layout): number {
  if (layout === "channels" || tensor.domain.kind !== "codes") return rowBytes(tensor, layout);
  return tensor.domain.bits * tensor.shape[2] * unitBytes(tensor.shape[1]);
}

/** Output rows in pieces of random sizes. */
function pieces(random: Random, height: number, most: number): [number, number][] {
  const result: [number, number][] = [];
  for (let y = 0; y < height; ) {
    const end = Math.min(height, y + random.integer(1, most));
    result.push([y, end]);
    y = end;
  }
  return result;
}

const CASES = `
#include "check.h"

typedef struct { uint32_t y0, y1; uint32_t first[4], end[4]; } piece;
typedef struct {
    const char *name;
    uint32_t inputs;
    const uint8_t *in[4];
    uint32_t in_rows[4], in_row_bytes[4], ring_rows[4];
    const uint8_t *out;
    uint32_t out_rows, out_row_bytes, out_used, out_ring_rows;
    uint32_t scratch_bytes;
    int (*call)(const bitloom_const_ring *, const bitloom_ring *, void *, uint32_t, uint32_t);
    const piece *pieces;
    uint32_t piece_count;
} test_case;

static int call(const test_case *c, const bitloom_const_ring *in, const bitloom_ring *out, uint32_t y0, uint32_t y1)
{
    /* Plans place it at any word: here at one that begins no double word. */
    uint8_t *space = room(c->scratch_bytes + 4u);
    void *scratch = c->scratch_bytes == 0 ? NULL : space + 4;
    int status;
    if (scratch != NULL) memset(scratch, 0xa5, c->scratch_bytes);
    status = c->call(in, out, scratch, y0, y1);
    leave(space);
    return status;
}

static int same(const test_case *c, const char *how, const uint8_t *row, uint32_t y)
{
    uint32_t i;
    for (i = 0; i < c->out_used; i++) {
        if (row[i] != c->out[y * c->out_row_bytes + i]) {
            say("%s, %s: row %u byte %u is %02x, not %02x\\n", c->name, how, y, i, row[i],
                   c->out[y * c->out_row_bytes + i]);
            return 0;
        }
    }
    return 1;
}

static int whole(const test_case *c)
{
    bitloom_const_ring in[4];
    uint32_t i, y;
    int ok = 1;
    uint8_t *out = room(c->out_rows * c->out_row_bytes);
    const bitloom_ring to = {out, c->out_row_bytes, c->out_rows};
    memset(out, 0x5a, c->out_rows * c->out_row_bytes);
    for (i = 0; i < c->inputs; i++) {
        in[i].base = c->in[i]; in[i].row_bytes = c->in_row_bytes[i]; in[i].rows = c->in_rows[i];
    }
    if (call(c, in, &to, 0, c->out_rows) != 0) { say("%s failed\\n", c->name); ok = 0; }
    for (y = 0; y < c->out_rows && ok; y++) ok = same(c, "whole", out + y * c->out_row_bytes, y);
    leave(out);
    return ok;
}

static int in_pieces(const test_case *c)
{
    bitloom_const_ring in[4];
    uint8_t *rings[4];
    const size_t out_bytes = (size_t)c->out_ring_rows * c->out_row_bytes;
    uint8_t *out = room(out_bytes);
    const bitloom_ring to = {out, c->out_row_bytes, c->out_ring_rows};
    uint32_t p, i, y;
    int ok = 1;
    for (i = 0; i < c->inputs; i++) {
        rings[i] = room((size_t)c->ring_rows[i] * c->in_row_bytes[i]);
        in[i].base = rings[i]; in[i].row_bytes = c->in_row_bytes[i]; in[i].rows = c->ring_rows[i];
    }
    for (p = 0; p < c->piece_count && ok; p++) {
        const piece *step = &c->pieces[p];
        for (i = 0; i < c->inputs; i++) {
            memset(rings[i], 0x33, (size_t)c->ring_rows[i] * c->in_row_bytes[i]);
            for (y = step->first[i]; y < step->end[i]; y++)
                memcpy(rings[i] + (y % c->ring_rows[i]) * c->in_row_bytes[i], c->in[i] + y * c->in_row_bytes[i],
                       c->in_row_bytes[i]);
        }
        memset(out, 0x5a, out_bytes);
        ok = call(c, in, &to, step->y0, step->y1) == 0;
        for (y = step->y0; y < step->y1 && ok; y++)
            ok = same(c, "in pieces", out + (y % c->out_ring_rows) * c->out_row_bytes, y);
        for (y = step->y1; y < step->y0 + c->out_ring_rows && ok; y++) {
            const uint8_t *row = out + (y % c->out_ring_rows) * c->out_row_bytes;
            for (i = 0; i < c->out_row_bytes; i++)
                if (row[i] != 0x5a) ok = 0;
            if (!ok) say("%s writes beyond its rows\\n", c->name);
        }
    }
    for (i = 0; i < c->inputs; i++) leave(rings[i]);
    leave(out);
    return ok;
}
`;

/** Rows of a call that is not for a whole map, at most. */
const MOST_ROWS = 3;

/**
 * The output over input `over`, in one call or in pieces; other inputs that are the same tensor change with it. A larger output
 * begins below the input by the bytes that it has more, up to a multiple of `align`.
 */
const IN_PLACE = `
static int over(const test_case *c, uint32_t over, uint32_t same_tensor, uint32_t align, int is_whole)
{
    const piece whole_piece = {0, c->out_rows, {0}, {0}};
    const uint32_t count = is_whole ? 1 : c->piece_count;
    const uint32_t in_bytes = c->in_rows[over] * c->in_row_bytes[over];
    const uint32_t out_bytes = c->out_rows * c->out_row_bytes;
    const uint32_t below = in_bytes < out_bytes ? (out_bytes - in_bytes + align - 1u) / align * align : 0u;
    uint8_t *both = room(below + in_bytes > out_bytes ? below + in_bytes : out_bytes);
    const bitloom_ring to = {both, c->out_row_bytes, c->out_rows};
    bitloom_const_ring in[4];
    uint32_t i, p, y;
    int ok = 1;
    memcpy(both + below, c->in[over], in_bytes);
    for (i = 0; i < c->inputs; i++) {
        in[i].base = (same_tensor >> i & 1u) != 0 ? both + below : c->in[i];
        in[i].row_bytes = c->in_row_bytes[i]; in[i].rows = c->in_rows[i];
    }
    for (p = 0; p < count && ok; p++) {
        const piece *step = is_whole ? &whole_piece : &c->pieces[p];
        ok = call(c, in, &to, step->y0, step->y1) == 0;
    }
    for (y = 0; y < c->out_rows && ok; y++)
        ok = same(c, is_whole ? "over an input" : "over an input in pieces", both + y * c->out_row_bytes, y);
    leave(both);
    return ok;
}
`;

/** What a program says after its last case if all are equal. */
const DONE = "all equal";

export class KernelHarness {
  readonly #runner = new CRunner();

  close(): void {
    this.#runner.close();
  }

  /**
   * Problems found, empty if every case equals the reference, whole, in pieces through small rings, and over each input where
   * the choice allows it. On the host under the sanitizers, or on a core in QEMU.
   */
  async run(cases: readonly KernelCase[], random: Random, target?: BareTarget): Promise<string> {
    const blob = new Blob();
    const functions = cases.map((c, i) => caseText(c, i, blob, random));
    const source = [
      CASES,
      IN_PLACE,
      ...functions,
      "PROGRAM\n{\n    int failed = 0;\n    START;",
      ...cases.map((_, i) => `    failed += case${i}();\n    leave_all();`),
      `    say(failed == 0 ? "${DONE}" : "failed");`,
      "    return failed != 0;\n}",
    ].join("\n");
    const said = await this.#runner.run(
      source,
      blob,
      cases.map((c) => c.choice.call),
      target,
    );
    return said === DONE ? "" : `${said} `;
  }
}

/** A function `case<index>` that returns 1 if the kernel's rows differ from the reference's. */
function caseText(
  { name, program, choice, values, rows }: KernelCase,
  index: number,
  blob: Blob,
  random: Random,
): string {
  const { call } = choice;
  const output = program.tensors[choice.output]!;
  const steps = pieces(random, output.shape[0], rows ?? MOST_ROWS).map(([y0, y1]) => {
    const needed = choice.inputs.map((_, i) => inputRows(program, choice, i, [y0, y1]));
    return { y0, y1, needed };
  });
  const ringRows = choice.inputs.map((_, i) =>
    Math.max(1, ...steps.map(({ needed }) => needed[i]![1] - needed[i]![0])),
  );
  const list = (items: readonly (string | number)[]): string => `{${items.join(", ")}}`;
  const inputs = choice.inputs.map((id, i) => ({
    bytes: blob.add(layoutBytesOf(program.tensors[id]!, values[id]!, choice.inputLayouts[i]!)),
    rows: program.tensors[id]!.shape[0],
    rowBytes: rowBytes(program.tensors[id]!, choice.inputLayouts[i]!),
  }));
  const overInputs = (choice.inPlace ?? []).flatMap((over) => {
    const isSame = choice.inputs.map(
      (id, i) => id === choice.inputs[over] && choice.inputLayouts[i] === choice.inputLayouts[over],
    );
    const mask = isSame.reduce((bits, same, i) => bits | (same ? 1 << i : 0), 0);
    return [4, 8].flatMap((align) =>
      [0, 1].map((isWhole) => ` && over(&c, ${over}, ${mask}, ${align}, ${isWhole})`),
    );
  });
  const expected = layoutBytesOf(output, values[choice.output]!, choice.outputLayout);
  return `
static const ${call.type} *layer${index};
static int call${index}(const bitloom_const_ring *in, const bitloom_ring *out, void *scratch, uint32_t y0, uint32_t y1)
{
    ${call.canFail ? "return " : ""}${call.function}(layer${index}, in, out, scratch, y0, y1);${call.canFail ? "" : "\n    return 0;"}
}
static int case${index}(void)
{
${descriptorText(call, `descriptor${index}`, blob)}
    const piece pieces[] = {
${steps.map(({ y0, y1, needed }) => `        {${y0}, ${y1}, ${list(needed.map((n) => n[0]))}, ${list(needed.map((n) => n[1]))}},`).join("\n")}
    };
    const test_case c = {
        "${name.replaceAll(/[^\w ,:×%.-]/g, "?")}", ${inputs.length}, ${list(inputs.map((i) => i.bytes))},
        ${list(inputs.map((i) => i.rows))}, ${list(inputs.map((i) => i.rowBytes))}, ${list(ringRows)},
        ${blob.add(expected)}, ${output.shape[0]}, ${rowBytes(output, choice.outputLayout)},
        ${usedRowBytes(output, choice.outputLayout)}, ${Math.max(...steps.map((s) => s.y1 - s.y0)) + 1},
        ${choice.scratchBytes}, call${index}, pieces, ${steps.length}};
    layer${index} = &descriptor${index};
    return !(${rows === undefined ? "whole(&c) && " : ""}in_pieces(&c)${rows === undefined ? overInputs.join("") : ""});
}`;
}
