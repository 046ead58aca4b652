/** `--sign-of-zero` of every command that takes a model, on a net with torch.sign. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { bitloom } from "../support/bitloom.js";
import { repoRoot } from "../support/root.js";

const fixture = (name: string): string => join(repoRoot, "test/fixtures/onnx-plain", name);
const model = fixture("sign_13.onnx");

it("without it the model is refused, and the message says what to add", async () => {
  const { stderr, exitCode } = await bitloom("inspect", model);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/Sign.*gives 0 for 0[\s\S]*--sign-of-zero \+1 or -1/);
});

it.each([
  [["--sign-of-zero", "+1"], "+1", 1],
  [["--sign-of-zero=1"], "+1", 1],
  [["--sign-of-zero", "-1"], "−1", 1],
  [["--sign-of-zero", "0"], undefined, 2],
])("%j is what inspect shows", async (args, sign, bits) => {
  const { stdout, exitCode } = await bitloom("inspect", model, ...args, "--json");
  expect(exitCode).toBe(0);
  const report = JSON.parse(stdout) as {
    conventions: { convention: string; taken: string }[];
    methods: { bits: string }[];
  };
  expect(report.conventions.find((c) => c.convention === "sign of 0")?.taken).toBe(sign);
  expect(report.methods.at(-1)!.bits).toBe(`W1A${bits}`);
});

it("run takes it, and both references agree", async () => {
  const input = ["--input", fixture("sign_13.x.npy"), "--input-type", "f32"];
  const { stderr, exitCode } = await bitloom(
    "run",
    model,
    ...input,
    "--sign-of-zero",
    "-1",
    "--reference",
    "both",
  );
  expect(stderr).not.toMatch(/error/);
  expect(exitCode).toBe(0);
});

it("other values are refused", async () => {
  const { stderr, exitCode } = await bitloom("inspect", model, "--sign-of-zero", "2");
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/--sign-of-zero does not know "2"/);
});
