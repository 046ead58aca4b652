import { divergenceText } from "../expectations.js";
import type { BuildVerdict, Verification } from "../verify.js";

/** A verification as text: the verdict, what was compared, what differed first. */
export function verificationText(result: Verification, note?: string): string {
  const lines = [
    `${result.passed ? "PASS" : "FAIL"}: ${result.emulator} ${result.board}, ${result.seconds.toFixed(1)} s`,
    ...(note === undefined ? [] : [note]),
    ...result.builds.flatMap(buildLines),
  ];
  const { firmware } = result;
  if (firmware !== undefined) {
    lines.push(
      `library: ${firmware.library.flashBytes} bytes of flash (code and weights); stack ${firmware.stackBytes} bytes`,
      `image:   ${firmware.flashBytes} bytes of flash, ${firmware.ramBytes} bytes of RAM (with the test harness)`,
    );
  }
  return lines.join("\n");
}

function buildLines(build: BuildVerdict): string[] {
  const what = build.build === "flash" ? "as flashed" : "with traces";
  const tensors = build.tensorsCompared > 0 ? `, ${build.tensorsCompared} tensors` : "";
  const head = `${what}: ${build.vectors - build.failedVectors} of ${build.vectors} inputs equal${tensors}, ${build.differingBits} differing output bits`;
  const divergence = build.divergence === undefined ? [] : [`  ${divergenceText(build.divergence)}`];
  const notes = (build.notes ?? []).map((note) => `  note: ${note}`);
  return [head, ...divergence, ...build.problems.map((p) => `  problem: ${p}`), ...notes];
}
