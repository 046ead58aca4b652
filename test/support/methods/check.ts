/** The equations that every net of a method must satisfy: the definition, the device reference and C on several cores. */
import { describe, expect, it } from "vitest";
import { qemuEmulator } from "../../../src/emulators/index.js";
import { compileTrace } from "../../../src/reference/device-fast.js";
import { checkBounds } from "../fixed-bounds.js";
import { full } from "../models.js";
import { disagreements } from "./disagreements.js";
import { formOf, readFigures } from "./figures.js";
import { type Build, type MachineName, machines, runOn } from "./machines.js";
import type { Method } from "./method.js";
import { type BuiltNet, buildNet, deviceInput, inputsOf, type MethodInput, type MethodNet } from "./net.js";

/** BITLOOM_SEED replays parameters and inputs. */
const seeds = seedsOf(process.env.BITLOOM_SEED);
/** Random inputs; the four extreme ones come on top. References of papers' definitions are slow. */
const RANDOM_INPUTS = full ? 200 : 32;
/** Inputs that emulated cores get: the four extreme ones and some random ones. */
const EMULATED = full ? 12 : 6;
const PATIENCE = 900_000;
/** Bytes of stack, harness and messages that no net does without. */
const LEAST_STACK = 1024;

const hasQemu = (await qemuEmulator.find()) !== undefined;

function seedsOf(wanted: string | undefined): readonly number[] {
  if (wanted !== undefined) return [Number(wanted)];
  return full ? [1, 2, 3] : [1];
}

/** Tests of all nets of a method. */
export function checkMethod({ test, nets }: Method): void {
  for (const [index, net] of nets.entries()) {
    for (const seed of seeds) {
      const isEmulated = seed === seeds[0] && (full || index === 0);
      describe(`${test}, ${net.name}, BITLOOM_SEED=${seed}`, () => checkNet(net, seed, isEmulated));
    }
  }
}

/** Emulators take most of the time: they run each method's first net, or with BITLOOM_FULL=1 all. */
function checkNet(net: MethodNet, seed: number, isEmulated: boolean): void {
  const cores: readonly MachineName[] = full ? ["M0", "M4", "M7"] : ["M4"];
  const builds: readonly Build[] = full ? ["flash", "trace"] : ["trace"];
  let once: BuiltNet | undefined;
  const built = (): BuiltNet => {
    once ??= buildNet(net, seed);
    return once;
  };
  const inputs = inputsOf(net, seed + 1, RANDOM_INPUTS);
  const isFixed = net.options?.streams === "q16";

  it.skipIf(isFixed)(
    `the device computes what the method defines, on ${inputs.length} inputs`,
    () => {
      expect(disagreements(built(), inputs)).toEqual([]);
    },
    PATIENCE,
  );

  it.skipIf(!isFixed)(
    `the device is within its bounds of what the method defines, on ${inputs.length} inputs`,
    () => {
      expect(boundProblems(built(), seed, inputs)).toEqual([]);
    },
    PATIENCE,
  );

  it.skipIf(seed !== 1)("docs/METHODS.md tells how it is computed (npm run methods, npm run docs)", () => {
    expect(readFigures().nets[net.name]).toMatchObject(formOf(built().compiled));
  });

  it("says so where, and only where, its activations leave no room in a Cortex-M0", () => {
    const { arenaBytes } = built().compiled.plan.memory;
    const isTooLarge = arenaBytes + LEAST_STACK > machines.M0.board.memories.ram.size;
    expect(net.exceedsM0 ?? false).toBe(isTooLarge);
  });

  it(
    `C on the host equals the device reference, on ${inputs.length} inputs`,
    async () => {
      expect(await runOn("host", built().compiled, storedOf(built(), inputs), builds)).toEqual([]);
    },
    PATIENCE,
  );

  it.skipIf(!hasQemu || !isEmulated).each(cores)(
    "C on the %s in QEMU equals the device reference",
    async (core) => {
      const some = storedOf(built(), inputs).slice(-EMULATED);
      const found = await runOn(core, built().compiled, some, builds);
      expect(found).toEqual(core === "M0" && net.exceedsM0 ? ["does not fit"] : []);
    },
    PATIENCE,
  );
}

/** Against the same net in float32, which another test holds to the definition. */
function boundProblems(built: BuiltNet, seed: number, inputs: readonly MethodInput[]): readonly string[] {
  const { streams: _, ...options } = built.net.options ?? {};
  const float = buildNet({ ...built.net, options }, seed).compiled.program;
  const { program: fixed, streams } = built.compiled;
  const trace = compileTrace(fixed);
  return storedOf(built, inputs).flatMap(
    (input) => checkBounds({ float, fixed, streams: streams! }, input, trace(input)).problems,
  );
}

function storedOf(built: BuiltNet, inputs: readonly MethodInput[]) {
  return inputs.map((input) => deviceInput(built, input));
}
