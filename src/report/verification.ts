import type { Approximation } from "../evaluate.js";
import { divergenceText } from "../expectations.js";
import type { BuildVerdict, Verification } from "../verify.js";
import type { BuildName } from "../verify-images.js";
import { approximationText } from "./approximation.js";

/** A verification as text: the verdict, what was compared, what differed first, and how far fixed point is from the model. */
export function verificationText(result: Verification, note?: string, distance?: Approximation): string {
  const lines = [
    `${result.passed ? "PASS" : "FAIL"}${partText(result)}: ${result.emulator} ${result.board}, ${result.seconds.toFixed(1)} s`,
    ...(note === undefined ? [] : [note]),
    ...result.builds.flatMap(buildLines),
    ...result.notChecked.flatMap(({ build, reason, remedy }) => [
      `${buildTitles[build]}: NOT CHECKED: ${reason}`,
      `  help: ${remedy}`,
    ]),
  ];
  if (distance !== undefined) lines.push(approximationText(distance));
  const { firmware } = result;
  if (firmware !== undefined) {
    lines.push(
      `library: ${firmware.library.flashBytes} bytes of flash (code and weights); stack ${stackBytesText(firmware.stack)}`,
      `image:   ${firmware.flashBytes} bytes of flash, ${firmware.ramBytes} bytes of RAM (with the test harness)`,
    );
  }
  return lines.join("\n");
}

/** Bytes of each function, as far as there is a bound. */
function stackBytesText(stack: NonNullable<Verification["firmware"]>["stack"]): string {
  if (stack.length === 0) return "without a bound";
  return `${stack.map(({ entry, bytes }) => `${entry} ${bytes}`).join(", ")} bytes at most`;
}

/** What each build is called in reports. */
export const buildTitles: Readonly<Record<BuildName, string>> = { flash: "as flashed", trace: "with traces" };

/** After a verdict: empty where it is about both builds. */
export function partText({ notChecked }: Pick<Verification, "notChecked">): string {
  return notChecked.length === 0 ? "" : " (as flashed; traces not checked)";
}

function buildLines(build: BuildVerdict): string[] {
  const what = buildTitles[build.build];
  const tensors = build.tensorsCompared > 0 ? `, ${build.tensorsCompared} tensors` : "";
  const head = `${what}: ${build.vectors - build.failedVectors} of ${build.vectors} inputs equal${tensors}, ${build.differingBits} differing output bits`;
  const divergence = build.divergence === undefined ? [] : [`  ${divergenceText(build.divergence)}`];
  const notes = (build.notes ?? []).map((note) => `  note: ${note}`);
  return [head, ...divergence, ...build.problems.map((p) => `  problem: ${p}`), ...notes];
}
