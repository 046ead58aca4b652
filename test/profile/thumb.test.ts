/** The plugin's decoder: its class of every instruction against what the mnemonic says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, it } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { instructionClasses } from "../../src/profile/index.js";
import { findBoard } from "../../src/targets/index.js";
import { armBinutil, buildFirmware, hostCc } from "../../src/toolchain/index.js";
import { describeWith, temporaryFolder, toy } from "../toolchain/toy.js";

const folder = temporaryFolder();
const fixtures = join(import.meta.dirname, "../fixtures/thumb");
const classify = join(folder, "classify");

interface Line {
  /** Halfwords in hexadecimal. */
  readonly code: string;
  readonly text: string;
}

/** What a mnemonic says; the first pattern that fits counts. */
const meanings: readonly (readonly [RegExp, (typeof instructionClasses)[number]])[] = [
  [/^v(ld[rm]|ld[24]|pop)\S*\s+(\{?q|.*\[q)/, "mve-load"],
  [/^v(st[rm]|st[24]|push)\S*\s+(\{?q|.*\[q)/, "mve-store"],
  [/^v(ldr|ldm|pop)/, "float-load"],
  [/^v(str|stm|push)/, "float-store"],
  [/^v\S+\s.*\bq\d/, "mve"],
  [/^(vctp|vpst|vpnot)/, "mve"],
  [/^v(div|sqrt)/, "float-divide"],
  [/^v(n|f|fn)?ml[as]|^vfn?m[as]\b/, "float-accumulate"],
  [/^v/, "float"],
  [/^(dls|wls|le|lctp)(tp)?(\.|$|\s)/, "loop"],
  [/^(ldm|pop).*\bpc\b/, "return-multiple"],
  [/^(ldmia|ldmdb|ldm|pop|ldrd)/, "load-multiple"],
  [/^(stmia|stmdb|stm|push|strd)/, "store-multiple"],
  // How Armv6-M says nothing.
  [/^nop @ \(mov/, "alu"],
  [/^(pld|pli|nop|wfi|wfe|sev|yield|sg)/, "nop"],
  [/^(ldr|lda)/, "load"],
  [/^(str|stl)/, "store"],
  [/^(bl)(\.|\s)/, "call"],
  [/^(bx|blx)|^(mov|add)\s+pc/, "jump"],
  [/^tb[bh]/, "table-branch"],
  [/^cbn?z|^b(eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?(\.[nw])?\s/, "branch"],
  [/^it[te]*\s/, "it"],
  [/^(mrs|msr|dsb|dmb|isb|cps|svc|bkpt|udf|mcr|mrc|cdp)/, "system"],
  [/^[us]div/, "divide"],
  [/^ml[as]/, "multiply-add"],
  [/^[us]mull/, "multiply-long"],
  [/^([us]mlal|umaal|smls?ld)/, "multiply-add-long"],
  [/^(mul|sm|usad|smmul)/, "multiply"],
];

function meaning(text: string): string {
  return meanings.find(([pattern]) => pattern.test(text))?.[1] ?? "alu";
}

async function classesOf(lines: readonly Line[]): Promise<string[]> {
  const { stdout } = await execa(classify, { input: `${lines.map((l) => l.code).join("\n")}\n` });
  return stdout.split("\n");
}

async function expectRight(lines: readonly Line[]): Promise<Set<string>> {
  const decoded = await classesOf(lines);
  const seen = lines.map((l, i) => `${l.code} ${l.text}: ${decoded[i]!.split(" ")[0]}`);
  const wanted = lines.map((l) => `${l.code} ${l.text}: ${meaning(l.text)}`);
  expect(seen.filter((line, i) => line !== wanted[i])).toEqual([]);
  return new Set(decoded.map((d) => d.split(" ")[0]!));
}

/** Instructions of an assembler's listing, whose bytes are in the order of memory. */
function listed(listing: string): Line[] {
  return [
    ...listing.matchAll(/^\s*\d+ [0-9a-f]{4} ([0-9A-F]{4}|[0-9A-F]{8})\s+(?:\d:)?\s*([^\s.].*)$/gm),
  ].map(([, bytes, text]) => ({
    code: bytes!
      .replace(/(..)(..)/g, "$2$1 ")
      .toLowerCase()
      .trim(),
    text: text!.replace(/\s+/g, " ").trim(),
  }));
}

/** Instructions of a disassembled image, without constants and what objdump does not know. */
function disassembled(listing: string): Line[] {
  return [...listing.matchAll(/^\s*[0-9a-f]+:\t([0-9a-f ]+?)\s*\t([^.\s].*)$/gm)].map(([, code, text]) => ({
    code: code!,
    text: text!.replace(/\s+/g, " ").trim(),
  }));
}

describeWith(["cc", "arm-none-eabi-as"], "the decoder of the profile plugin", () => {
  beforeAll(async () => {
    const sources = [join(fixtures, "classify.c"), packageFile("qemu-plugin/thumb.c")];
    const strict = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"];
    await execa(hostCc(), [...strict, `-I${packageFile("qemu-plugin")}`, ...sources, "-o", classify]);
  });

  it("knows every class", async () => {
    const source = join(fixtures, "all.s");
    const { stdout } = await execa(armBinutil("as"), ["-aln", "-o", join(folder, "all.o"), source]);
    const lines = listed(stdout);
    expect(lines.length).toBeGreaterThan(180);
    expect([...(await expectRight(lines))].sort()).toEqual([...instructionClasses].sort());
  });

  it("counts the registers of a list", async () => {
    const lists = ["b511", "bc11", "bd10", "e8bd 8110", "e9d2 0102", "ed90 0b02", "ecb0 0a04"];
    const decoded = await classesOf(lists.map((code) => ({ code, text: "" })));
    expect(decoded.map((d) => Number(d.split(" ")[1]))).toEqual([3, 2, 2, 3, 2, 2, 4]);
  });

  it.each([
    "qemu-cortex-m0",
    "mps2-an385",
    "mps2-an386",
    "mps2-an505",
  ])("reads the code for %s", async (id) => {
    const board = findBoard(id);
    const { elf } = await buildFirmware({ library: toy, board, outDir: join(folder, id), trace: false });
    const { stdout } = await execa(armBinutil("objdump"), ["-d", "-z", elf]);
    const lines = disassembled(stdout);
    expect(lines.length).toBeGreaterThan(500);
    await expectRight(lines);
  });
});

it("the plugin and the reports use the same names", () => {
  const text = readFileSync(packageFile("qemu-plugin/thumb.h"), "utf8");
  const names = [...text.matchAll(/^ {4}X\(\w+, "([a-z-]+)"\)/gm)].map((m) => m[1]);
  expect(names).toEqual(instructionClasses);
});
