/** Files that hold weights alone: the message has a command that makes a bundle's weights of them. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { openWeights } from "../../src/formats/bundle/tensors.js";
import { readModel } from "../../src/formats/index.js";
import { writeNpy } from "../../src/formats/npy.js";
import { safetensorsFile, tensor } from "../support/bundle.js";
import { errorsOf } from "../support/errors.js";
import { zipFile } from "../support/zip.js";

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const array = writeNpy({ shape: [1], dtype: "float32", data: Float32Array.of(1) });
const torchZip = zipFile([
  { name: "net/data.pkl", data: text("x") },
  { name: "net/data/0", data: text("y") },
]);
const scriptZip = zipFile([
  { name: "net/data.pkl", data: text("x") },
  { name: "net/constants.pkl", data: text("y") },
]);
const oldTorch = Uint8Array.from([
  0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
]);

const messageFor = (bytes: Uint8Array, name: string): string => {
  const [problem, ...others] = errorsOf(() => readModel(bytes, name));
  expect(others).toEqual([]);
  return `${problem!.message} — ${problem!.remedy}`;
};

test.each<[string, Uint8Array, RegExp]>([
  [
    "safetensors",
    safetensorsFile({ w: tensor([1], [1]) }),
    /weights alone \(safetensors\).*pass the manifest \(\.json\)/,
  ],
  ["npz", zipFile([{ name: "w.npy", data: array }]), /weights alone \(npz\).*pass the manifest/],
  [
    "what torch.save writes",
    torchZip,
    /PyTorch \.pt.*never read.*torch\.load\("dir\/net\.pt", map_location="cpu", weights_only=True\), "dir\/net\.safetensors"\)'/,
  ],
  ["what torch.save wrote", oldTorch, /PyTorch \.pt.*s\.save_file\(torch\.load/],
  [
    "TorchScript",
    scriptZip,
    /TorchScript.*torch\.jit\.load\("dir\/net\.pt", map_location="cpu"\)\.state_dict\(\)/,
  ],
  [
    "joblib",
    Uint8Array.from([0x80, 4, 0x95, 1, 2, 3]),
    /pickle.*if it is a dict of arrays and you trust it.*numpy\.savez\("dir\/net\.npz", \*\*joblib\.load\("dir\/net\.pt"\)\)'/,
  ],
])("%s", (_, bytes, message) => {
  const found = messageFor(bytes, "dir/net.pt");
  expect(found).toMatch(message);
  expect(found).toMatch(/examples\/pytorch-bundle\/bundle\.py/);
});

test("a zip archive without arrays, pickles or a Keras model is none of them", () => {
  expect(
    messageFor(
      zipFile([
        { name: "a.npy", data: array },
        { name: "b.txt", data: text("x") },
      ]),
      "a.zip",
    ),
  ).toMatch(/a zip archive without a Keras model/);
});

test.each([
  "net.pt",
  "my net (1).pt",
  "it's.pt",
  'a"b\\c.pt',
  "$(touch x).pt",
  "`touch x`; rm -rf $HOME.pt",
  "-rf.pt",
  "näme 😀\u202e.pt",
  "new\nline\u001b[2J.pt",
  "!history.pt",
  "'; touch x; '.pt",
])("the command for %j names this file and no other", (name) => {
  const command = /python -c '.*'(?= \(of a)/.exec(messageFor(torchZip, name))![0];
  expect(command).toMatch(/^[\x20-\x7e]+$/);
  // The shell itself says what script Python would get.
  const shell = `python() { printf %s "$2"; }; ${command}`;
  const script = execFileSync("bash", ["-c", shell], { encoding: "utf8" });
  const texts = [...script.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, literal]) => ofPython(literal!));
  expect(texts).toEqual([name, "cpu", name.replace(/\.pt$/, ".safetensors")]);
});

/** What a literal of Python says. */
function ofPython(literal: string): string {
  return literal.replace(/\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(["\\]))/g, (_, short, long, plain) =>
    plain === undefined ? String.fromCodePoint(Number.parseInt(short ?? long, 16)) : plain,
  );
}

test("names of many lines are left out of commands", () => {
  expect(messageFor(torchZip, `${"x".repeat(300)}.pt`)).toMatch(/torch\.load\("net\.pt"/);
});

test("safetensors whose header's length begins as a pickle does are weights", () => {
  const name = "w".repeat(
    0x0380 - JSON.stringify({ "": { dtype: "F32", shape: [1], data_offsets: [0, 4] } }).length,
  );
  const bytes = safetensorsFile({ [name]: tensor([1], [1]) });
  expect(Array.from(bytes.subarray(0, 2))).toEqual([0x80, 3]);
  expect(openWeights(bytes, "net.safetensors").names).toEqual([name]);
});
