/**
 * Emulators that hang, crash or print garbage, absent tools, interrupted commands, full disks: each ends with a message and an exit
 * code, leaves no process and no temporary file.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { platform } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Place } from "../support/place.js";
import { repoRoot } from "../support/root.js";
import { describeWith } from "../toolchain/toy.js";

const model = join(repoRoot, "test/fixtures/onnx/brevitas_mlp.onnx");
const places: Place[] = [];
afterAll(() => {
  for (const place of places) place.remove();
});

function newPlace(): Place {
  const place = new Place();
  places.push(place);
  return place;
}

function expectNothingLeft(place: Place): void {
  expect({ files: place.leftFiles(), processes: place.leftProcesses() }).toEqual({
    files: [],
    processes: [],
  });
}

/** Waits for a minute at most; what was waited for is then tested by others. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 600 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 100));
}

const needed = ["arm-none-eabi-gcc", ...(existsSync("/proc/self/cmdline") ? [] : ["/proc"])];
const verify = (seconds: number): string[] => [
  ...["verify", model, "--board", "mps2-an386", "--emulator", "qemu"],
  ...["--count", "1", "--timeout", `${seconds}`],
];

describeWith(needed, "an emulator", () => {
  describe.concurrent("under verify", () => {
    it.each([
      ["stubborn", 1, /problem: qemu mps2-an386 did not send HELLO within 1 s; last seen: no frame/],
      ["garbage", 4, /HELLO within 4 s; last seen: no frame; \d+ bytes were part of no frame; .*U-Boot/],
      ["crash", 30, /exited with status 3 before it was told to;.*it said: fake: fatal: Lockup/],
    ] as const)("that does %s", async (mode, seconds, message) => {
      const place = newPlace();
      const { stdout, exitCode } = await place.start(verify(seconds), { BITLOOM_QEMU: place.emulator(mode) });
      expect(stdout).toMatch(/^FAIL: qemu mps2-an386/);
      expect(stdout).toMatch(message);
      expect(exitCode).toBe(1);
      expectNothingLeft(place);
    });
  });

  it("that crashes under profile", async () => {
    const place = newPlace();
    const { stderr, exitCode } = await place.start(["profile", model, "--count", "1"], {
      BITLOOM_QEMU: place.emulator("crash"),
    });
    expect(stderr).toMatch(/error\[emulator\/ended\]: .*exited with status 3/);
    expect(exitCode).toBe(1);
    expectNothingLeft(place);
  });

  it("that is not installed", async () => {
    const place = newPlace();
    const gcc = execFileSync("which", ["arm-none-eabi-gcc"], { encoding: "utf8" }).trim();
    const env = { PATH: join(place.folder, "bin"), BITLOOM_ARM_GCC: gcc };
    const { stderr, exitCode } = await place.start(verify(5), env);
    expect(stderr).toMatch(/error\[toolchain\/missing\]: .*not installed\n {4}help: .*qemu-system-arm/);
    expect(exitCode).toBe(3);
    expectNothingLeft(place);
  });

  it("that a variable names and that is not there", async () => {
    const place = newPlace();
    const { stderr, exitCode } = await place.start(verify(5), { BITLOOM_QEMU: "/does/not/exist" });
    expect(stderr).toContain('BITLOOM_QEMU is "/does/not/exist", which is no program that can be run');
    expect(exitCode).toBe(3);
    expectNothingLeft(place);
  });

  describe.concurrent("that hangs and ignores signals, when the command is interrupted", () => {
    it.each([
      ["SIGINT", 130, "uart"],
      ["SIGHUP", 129, "uart"],
      ["SIGTERM", 143, "semihosting"],
    ] as const)("by %s, status %i, over %s", async (signal, status, link) => {
      const place = newPlace();
      const env = { BITLOOM_QEMU: place.emulator("stubborn") };
      const command = place.start([...verify(80), "--link", link], env);
      await until(() => place.leftProcesses().some((line) => line.includes("stubborn")));
      command.kill(signal);
      expect((await command).exitCode).toBe(status);
      // A killed process is gone a moment later.
      await until(() => place.leftProcesses().length === 0);
      expectNothingLeft(place);
    });
  });
});

/** Mounts a file system of so many bytes; false where that is not allowed. */
function mountSmall(folder: string, bytes: number): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const canMount = ((): boolean => {
  if (platform() !== "linux") return false;
  const place = new Place();
  const mounted = mountSmall(place.temporary, 65536);
  if (mounted) execFileSync("umount", [place.temporary]);
  place.remove();
  return mounted;
})();
if (!canMount) console.warn("SKIPPED: a full disk: mounting a small file system is not allowed here");

describe.skipIf(!canMount)(`a full disk${canMount ? "" : " (SKIPPED: mounting is not allowed here)"}`, () => {
  let disk: Place;
  const small = (): string => join(disk.folder, "small");
  beforeAll(() => {
    disk = newPlace();
    mkdirSync(small());
    if (!mountSmall(small(), 384 * 1024)) throw new Error("it could be mounted before");
  });
  afterAll(() => execFileSync("umount", [small()]));

  /** Empties the small disk and leaves `free` bytes of it. */
  function fill(free: number): void {
    for (const name of readdirSync(small())) rmSync(join(small(), name), { recursive: true });
    writeFileSync(join(small(), "filler"), new Uint8Array(384 * 1024 - free));
  }

  it.each([
    ["for the library", 16 * 1024, /error\[file\/enospc\]: .*the disk is full/],
    [
      "for the compiler",
      300 * 1024,
      /error\[file\/enospc\]: .*the disk is full: arm-none-eabi-gcc could not write/,
    ],
  ])("%s", async (_what, free, message) => {
    fill(free);
    const { stderr, exitCode } = await disk.start(verify(30), { TMPDIR: small(), BITLOOM_OBJECT_CACHE: "" });
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expect(readdirSync(small())).toEqual(["filler"]);
    expect(disk.leftProcesses()).toEqual([]);
  });

  it("for the cache of objects", async () => {
    fill(4096);
    const cache = join(small(), "objects");
    const { stderr, exitCode } = await disk.start(verify(30), { BITLOOM_OBJECT_CACHE: cache });
    // What is copied is not where room is missing.
    expect(stderr).toMatch(/error\[file\/enospc\]: .*\/small\/objects\/.*: the disk is full/);
    expect(exitCode).toBe(2);
    expect(existsSync(cache) ? readdirSync(cache).filter((f) => f.includes(".o.")) : []).toEqual([]);
    expectNothingLeft(disk);
  });

  it("for the generated library leaves no half of it", async () => {
    fill(16 * 1024);
    const { stderr, exitCode } = await disk.start(["compile", model, "-o", join(small(), "library")]);
    expect(stderr).toContain(`${join(small(), "library")}: the disk is full`);
    expect(stderr).toContain("TMPDIR");
    expect(exitCode).toBe(2);
    expect(readdirSync(small()).filter((f) => f !== "filler")).toEqual([]);
  });

  it("the library may be the only thing on a disk of its own", async () => {
    fill(384 * 1024);
    const { stderr, exitCode } = await disk.start(["compile", model, "-o", small()]);
    expect(stderr).not.toContain("error");
    expect(exitCode).toBe(0);
    expect(readdirSync(small())).toContain("brevitas_mlp.h");
    expect(readdirSync(small()).filter((f) => f.startsWith("."))).toEqual([]);
  });

  it("for a report leaves the report that was there", async () => {
    const report = join(small(), "report.xml");
    fill(4096);
    writeFileSync(report, "before");
    const args = ["verify", model, "--emulator", "host", "--count", "1", "--junit", report];
    const { stderr, exitCode } = await disk.start(args);
    expect(stderr).toContain("the disk is full");
    expect(exitCode).toBe(2);
    expect(readFileSync(report, "utf8")).toBe("before");
    expect(readdirSync(small()).sort()).toEqual(["filler", "report.xml"]);
  });
});
