import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HookReader } from "../../src/emulators/renode-profile.js";

/** What the Monitor prints, with cursor movements in the middle of lines. */
const PRINTED = [
  "\x1b[2K\r(machine-0) \x1b[1;34m",
  "bitloom-profile begin 1 100;\n",
  "bitloom-profile begin\x1b[2K 0 110;\r\n\x1b[0m",
  "bitloom-\x1bMprofile end 0 1\x1b[?25l50;",
  "bitloom-profile begin 0 160;bitloom-profile end 0 1\x1b[1;31m75;",
  "bitloom-profile end 1 1\x1b[K90;\n",
].join("");

const CALLS = [
  { function: "layer", instructions: 40 },
  { function: "layer", instructions: 15 },
  { function: "run", instructions: 90 },
];

describe("what Renode's hooks print", () => {
  it("is read from pieces of any size, also where these cut escape sequences", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
        const reader = new HookReader(["layer", "run"]);
        for (let at = 0, i = 0; at < PRINTED.length; i++) {
          const size = sizes[i % sizes.length]!;
          reader.add(PRINTED.slice(at, at + size));
          at += size;
        }
        expect(reader.calls).toEqual(CALLS);
      }),
      { numRuns: 500 },
    );
  });
});
