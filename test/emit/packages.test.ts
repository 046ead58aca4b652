/** Packages as text: what is in them, and what the rules of their build systems say of it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { type Library, type PackageName, packageFiles, packageNames } from "../../src/emit/index.js";
import { ZipArchive } from "../../src/formats/zip.js";
import { findOnPath } from "../../src/toolchain/tools.js";
import { errorsOf } from "../support/errors.js";
import { digitsLibrary, HOSTILE, textOf, writePackage } from "../support/packages.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-packages-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const library = digitsLibrary();
const again = digitsLibrary();
const hostile = digitsLibrary(HOSTILE);
const described = packageNames.filter((name) => name !== "c");
const base = (path: string): string => path.split("/").at(-1)!;

describe.each(packageNames)("the package %s", (name) => {
  const files = packageFiles(library, name);

  it("has every source, header and linker script of the library once, unchanged", () => {
    const code = library.files.filter(({ path }) => /\.([chS]|ld)$/.test(path));
    for (const { path, text } of code) {
      const found = files.filter((f) => base(f.path) === path);
      expect(found.map((f) => f.content)).toEqual([text]);
    }
  });

  it("has no path twice, none hidden, none outside", () => {
    const paths = files.map((f) => f.path);
    expect(new Set(paths).size).toBe(paths.length);
    for (const part of paths.flatMap((p) => p.split("/"))) expect(part).toMatch(/^[A-Za-z0-9_][\w.-]*$/);
  });

  it("is the same bytes every time", () => {
    const bytes = (from: Library) =>
      packageFiles(from, name).map(({ path, content }) =>
        [path, Buffer.from(content).toString("base64")].join(),
      );
    expect(bytes(again).join("\n") === bytes(library).join("\n")).toBe(true);
  });
});

describe.each(described)("the package %s", (name) => {
  it("says how to add it, what it takes and how to use it", () => {
    const readme = textOf(packageFiles(library, name), "README.md");
    const headings = [...readme.matchAll(/^## (.+)$/gm)].map(([, text]) => text);
    expect(headings).toEqual(["Add it to your project", "What it takes", "Use it", "Licence"]);
    expect(readme).toContain(`${library.facts.arenaBytes} bytes of arena`);
    expect(readme).toContain("digits_run(&context, input, output)");
  });

  it("ships the runtime's licence", () => {
    expect(textOf(packageFiles(library, name), "LICENSE")).toContain("Apache License");
  });

  it("shows a hostile name in its README as text", () => {
    const [line] = textOf(packageFiles(hostile, name), "README.md")
      .split("\n")
      .filter((text) => text.startsWith("The model "));
    expect(line).toContain("x\"); \\<a b='c'\\>\\&\\$\\{ENV\\{HOME\\}\\}");
    expect(line!.replace(/\\[\\`*_{}[\]<>#|!&~$:@]/g, "")).not.toMatch(/[\\`*_[\]<>#|!&]/);
  });

  it("keeps the shape of every file whatever the model is called", () => {
    const lines = (text: string | Uint8Array) => (typeof text === "string" ? text.split("\n").length : 0);
    const plain = packageFiles(library, name);
    for (const { path, content } of packageFiles(hostile, name)) {
      if (!/\.(h|c|S|ld|pack)$/.test(path)) expect(lines(content)).toBe(lines(textOf(plain, path)));
    }
  });
});

describe("a package's own identity", () => {
  it.each([
    ["version", "1.0", /--package-version 1\.2\.0/],
    ["version", "1.0.0-rc1", /--package-version/],
    ["version", "01.0.0", /--package-version/],
    ["version", "1.0.0\n", /--package-version/],
    ["vendor", 'a"b', /--package-vendor acme/],
    ["vendor", "", /--package-vendor/],
    ["url", "javascript:alert(1)", /--package-url/],
    ["url", 'https://a/"><b>', /--package-url/],
  ])("%s %j is refused", (field, text, remedy) => {
    const [error] = errorsOf(() => packageFiles(library, "cmake", { [field]: text }));
    expect(error).toMatchObject({ code: `package/${field}` });
    expect(error!.remedy).toMatch(remedy);
  });

  it("stands where each build system looks for it", () => {
    const identity = { version: "2.5.9", vendor: "acme", url: "https://example.com/net" };
    const text = (name: PackageName, path: string) => textOf(packageFiles(library, name, identity), path);
    expect(text("cmake", "CMakeLists.txt")).toContain("VERSION 2.5.9\n");
    expect(text("arduino", "library.properties")).toMatch(
      /^version=2\.5\.9$[\s\S]*^maintainer=acme$[\s\S]*^url=https:\/\/example\.com\/net$/m,
    );
    expect(JSON.parse(text("platformio", "library.json"))).toMatchObject({
      version: "2.5.9",
      authors: [{ name: "acme" }],
      homepage: "https://example.com/net",
    });
    expect(text("cmsis-pack", "acme.digits.pdsc")).toContain("<url>https://example.com/net</url>");
    expect(packageFiles(library, "cmsis-pack", identity).at(-1)!.path).toBe("acme.digits.2.5.9.pack");
  });
});

describe("cmake", () => {
  it("refuses names that CMake has for its own targets", () => {
    const [error] = errorsOf(() => packageFiles({ ...library, name: "test" }, "cmake"));
    expect(error).toMatchObject({ code: "package/name" });
  });

  it.skipIf(findOnPath("cmake") === undefined)("reads a hostile description as it is meant", async () => {
    const source = writePackage(join(folder, "hostile"), packageFiles(hostile, "cmake"));
    const build = join(folder, "hostile-build");
    await execa("cmake", ["-S", source, "-B", build]);
    const cache = readFileSync(join(build, "CMakeCache.txt"), "utf8");
    const described = JSON.parse(textOf(packageFiles(hostile, "platformio"), "library.json"));
    expect(cache).toContain(`\nCMAKE_PROJECT_DESCRIPTION:STATIC=${described.description}\n`);
  });
});

/** Arduino's library specification, revision 2.2, and rules of arduino-lint, by their numbers. */
describe("arduino", () => {
  it.each([
    ["a library called arduino_net (LP012)", { ...library, name: "arduino_net" }, {}],
    ["a maintainer called Arduino (LP027)", library, { vendor: "Arduino-fan" }],
  ])("refuses %s", (_name, from, identity) => {
    const [error] = errorsOf(() => packageFiles(from, "arduino", identity));
    expect(error).toMatchObject({ code: "package/name" });
    expect(error!.remedy).toMatch(/--name|--package-vendor/);
  });

  const files = packageFiles(library, "arduino");
  const properties = (text: string) =>
    new Map(
      text
        .trimEnd()
        .split("\n")
        .map((line): [string, string] => {
          const at = line.indexOf("=");
          return [line.slice(0, at), line.slice(at + 1)];
        }),
    );

  it.each([
    ["library", library],
    ["hostile library", hostile],
  ])("library.properties of a %s has the fields of the specification", (_name, from) => {
    const text = textOf(packageFiles(from, "arduino"), "library.properties");
    const found = properties(text);
    expect([...found.keys()]).toEqual([
      "name",
      "version",
      "author",
      "maintainer",
      "sentence",
      "paragraph",
      "category",
      "url",
      "architectures",
      "includes",
      "dot_a_linkage",
    ]);
    expect(found.get("name")).toMatch(/^[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}$/);
    expect(found.get("version")).toMatch(/^\d+\.\d+\.\d+$/);
    expect(found.get("architectures")).toMatch(/^[a-z0-9_]+(,[a-z0-9_]+)*$/);
    expect(found.get("category")).toBe("Data Processing");
    expect(found.get("dot_a_linkage")).toBe("true");
    expect(files.map((f) => f.path)).toContain(`src/${found.get("includes")}`);
    expect(text).not.toMatch(/[^\x20-\x7e\n]/);
  });

  it("keywords.txt has tabs between keyword and kind, and names that the header has", () => {
    const header = textOf(files, "src/digits.h");
    const rows = textOf(files, "keywords.txt").trimEnd().split("\n").slice(1);
    for (const row of rows) {
      expect(row).toMatch(/^\w+\t(KEYWORD1|KEYWORD2|LITERAL1)$/);
      expect(header).toContain(row.split("\t")[0]);
    }
    expect(rows.length).toBe(13);
  });

  it("has its sketch in a folder of the same name, and code nowhere else but in src", () => {
    const paths = files.map((f) => f.path);
    expect(paths).toContain("examples/RunModel/RunModel.ino");
    expect(paths.filter((p) => !p.startsWith("src/")).sort()).toEqual([
      "LICENSE",
      "README.md",
      "examples/RunModel/RunModel.ino",
      "keywords.txt",
      "library.properties",
    ]);
  });
});

/** Zephyr's documentation of modules. */
describe("zephyr", () => {
  const files = packageFiles(library, "zephyr");
  const paths = files.map((f) => f.path);

  it("module.yml names files that are there", () => {
    const yaml = textOf(files, "zephyr/module.yml");
    expect(yaml).toMatch(
      /^name: digits\nbuild:\n {2}cmake: zephyr\n {2}kconfig: zephyr\/Kconfig\nsamples:\n {2}- samples\n$/m,
    );
    expect(paths).toEqual(expect.arrayContaining(["zephyr/CMakeLists.txt", "zephyr/Kconfig"]));
    expect(paths.filter((p) => p.startsWith("samples/run_model/")).map(base)).toEqual([
      "CMakeLists.txt",
      "prj.conf",
      "sample.yaml",
      "main.c",
    ]);
  });

  it("CMake's options are those of Kconfig, and the sample sets one of them", () => {
    const symbols = (text: string, pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, s]) => s));
    const defined = symbols(textOf(files, "zephyr/Kconfig"), /^config (\w+)$/gm);
    const used = symbols(textOf(files, "zephyr/CMakeLists.txt"), /CONFIG_(\w+)/g);
    expect(used).toEqual(defined);
    for (const symbol of symbols(textOf(files, "samples/run_model/prj.conf"), /CONFIG_(BITLOOM_\w+)/g))
      expect(defined).toContain(symbol);
  });

  it("Kconfig shows a hostile name in a help text only", () => {
    const text = textOf(packageFiles(hostile, "zephyr"), "zephyr/Kconfig");
    const lines = text.split("\n").filter((line) => line.includes("ENV{HOME}"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\t {2}\S/);
    expect(text.split("\n")[text.split("\n").indexOf(lines[0]!) - 1]).toBe("\thelp");
  });

  it("compiles every source", () => {
    const text = textOf(files, "zephyr/CMakeLists.txt");
    for (const source of library.sources) expect(text).toMatch(new RegExp(`\\b${source}\\b`));
  });
});

/** The schema of PlatformIO Core 6.2 (platformio/package/manifest/schema.py). */
describe("platformio", () => {
  it.each([
    ["library", library],
    ["hostile library", hostile],
  ])("library.json of a %s holds what PlatformIO takes", (_name, from) => {
    const files = packageFiles(from, "platformio");
    const manifest = JSON.parse(textOf(files, "library.json"));
    expect(manifest.name).toBe("digits");
    expect(manifest.description.length).toBeLessThan(1000);
    for (const keyword of manifest.keywords) expect(keyword).toMatch(/^[a-z\d\-_+. ]{1,50}$/);
    const paths = files.map((f) => f.path);
    expect(paths).toContain(`${manifest.build.includeDir}/${manifest.headers}`);
    for (const { base, files: own } of manifest.examples)
      for (const path of own) expect(paths).toContain(`${base}/${path}`);
  });

  it("gives the name of the model as it is, but for what does not print", () => {
    const { description } = JSON.parse(textOf(packageFiles(hostile, "platformio"), "library.json"));
    expect(description).toContain(
      `x"); <a b='c'>&\${ENV{HOME}} $(HOME) \\\\ \`ls\` */ {{name}} |\\n#]]\\u202e`,
    );
  });
});

/** Rules of the schema of pack descriptions, 1.7.27 (docs/PACKAGES.md). */
describe("cmsis-pack", () => {
  const files = packageFiles(library, "cmsis-pack");
  const pdsc = textOf(files, "bitloom.digits.pdsc");

  it.each([
    ["library", library],
    ["hostile library", hostile],
  ])("the description of a %s is well-formed", async (_name, from) => {
    const text = textOf(packageFiles(from, "cmsis-pack"), "bitloom.digits.pdsc");
    // Nothing but tags, attributes in quotes and text without markup.
    expect(
      text.replace(/<!--[^-]*-->|<[?/]?[\w:]+(?:\s+[\w:]+="[^"<&]*(?:&\w+;[^"<&]*)*")*\s*[?/]?>/g, ""),
    ).not.toMatch(/[<>]/);
    if (findOnPath("xmllint") === undefined) return;
    const path = join(folder, "x.pdsc");
    writeFileSync(path, text);
    const { stdout } = await execa("xmllint", [
      "--xpath",
      "string(/package/components/component[1]/description)",
      path,
    ]);
    expect(stdout).toBe(JSON.parse(textOf(packageFiles(from, "platformio"), "library.json")).description);
  });

  it("names files that are there, and every source", () => {
    const named = [...pdsc.matchAll(/<file category="\w+" name="([^"]+)"/g)].map(([, path]) => path!);
    const paths = files.map((f) => f.path);
    for (const path of named) expect(paths.some((p) => p === path || p.startsWith(path))).toBe(true);
    expect(
      named
        .filter((p) => /\.[cS]$/.test(p))
        .map(base)
        .sort(),
    ).toEqual([...library.sources].sort());
  });

  it("gives components names that the schema takes, and keeps long ones apart", () => {
    const sub = (name: string) =>
      /Csub="([^"]*)"/.exec(
        textOf(packageFiles({ ...library, name }, "cmsis-pack"), `bitloom.${name}.pdsc`),
      )![1]!;
    const long = "a".repeat(47);
    expect(sub(`${long}b`)).toHaveLength(32);
    expect(sub(`${long}b`)).not.toBe(sub(`${long}c`));
    expect(sub("digits")).toBe("digits");
  });

  it("is an archive of the same files", async () => {
    const { path, content } = files.at(-1)!;
    expect(path).toBe("bitloom.digits.1.0.0.pack");
    if (typeof content === "string") throw new Error("the archive is text");
    const archive = new ZipArchive(content, 1 << 24);
    const unpacked = archive.names.map((name) => ({
      path: name,
      content: new TextDecoder().decode(archive.read(name)),
    }));
    expect(unpacked).toEqual(files.slice(0, -1));
    if (findOnPath("unzip") === undefined) return;
    const file = join(folder, "x.pack");
    writeFileSync(file, content);
    await execa("unzip", ["-tqq", file]);
  });
});
