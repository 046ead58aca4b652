/** Objects are taken from the cache if nothing that they are made of has changed, and only then. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { compileCached } from "../../src/toolchain/object-cache.js";
import { hostCc } from "../../src/toolchain/tools.js";

const root = mkdtempSync(join(tmpdir(), "bitloom-cache-test-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder with a source that includes a header of a second folder; the "compiler" writes what it is told to. */
class Place {
  readonly cache = mkdtempSync(join(root, "cache-"));
  compiled = 0;

  async build(
    parts: { source?: string; header?: string; flags?: string[]; su?: string } = {},
  ): Promise<string> {
    const folder = mkdtempSync(join(root, "build-"));
    const headers = join(folder, "headers");
    mkdirSync(headers);
    const source = join(folder, "a.c");
    writeFileSync(source, parts.source ?? '#include "b.h"\n#include "absent.h"\nint a(void) { return B; }\n');
    writeFileSync(join(headers, "b.h"), '#include "c.h"\n');
    writeFileSync(join(headers, "c.h"), parts.header ?? "#define B 1\n");
    const object = join(folder, "a.o");
    const flags = [...(parts.flags ?? ["-O2"]), `-I${headers}`];
    await compileCached(this.cache, hostCc(), { source, object, flags }, async () => {
      this.compiled++;
      writeFileSync(object, `object ${this.compiled}`);
      if (parts.su !== undefined) writeFileSync(join(folder, "a.su"), parts.su);
    });
    const su = join(folder, "a.su");
    return readFileSync(object, "utf8") + (existsSync(su) ? ` with ${readFileSync(su, "utf8")}` : "");
  }
}

describe("the cache of objects", () => {
  it("has what was compiled from the same contents, wherever they lie", async () => {
    const place = new Place();
    expect(await place.build({ su: "stack" })).toBe("object 1 with stack");
    expect(await place.build()).toBe("object 1 with stack");
    expect(place.compiled).toBe(1);
  });

  it.each([
    ["the source", { source: '#include "b.h"\nint a(void) { return B + 1; }\n' }],
    ["a header that a header includes", { header: "#define B 2\n" }],
    ["the flags", { flags: ["-O2", "-DBITLOOM_TRACE"] }],
    ["how flags are split", { flags: ["-O", "2"] }],
  ])("misses where %s differs", async (_what, change) => {
    const place = new Place();
    await place.build();
    expect(await place.build(change)).toBe("object 2");
    expect(await place.build()).toBe("object 1");
  });

  it("keeps nothing of a compilation that failed", async () => {
    const place = new Place();
    const object = join(root, "x.o");
    const source = join(root, "x.c");
    writeFileSync(source, "int x;\n");
    const failing = compileCached(place.cache, hostCc(), { source, object, flags: [] }, () =>
      Promise.reject(new Error("no")),
    );
    await expect(failing).rejects.toThrow("no");
    let compiled = false;
    await compileCached(place.cache, hostCc(), { source, object, flags: [] }, async () => {
      compiled = true;
      writeFileSync(object, "");
    });
    expect(compiled).toBe(true);
  });
});
