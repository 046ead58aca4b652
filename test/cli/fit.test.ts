import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { listBoards } from "../../src/targets/index.js";
import { Place } from "../support/place.js";
import { repoRoot } from "../support/root.js";

describe("bitloom fit", () => {
  const place = new Place();
  afterAll(() => place.remove());
  const model = join(repoRoot, "test/fixtures/onnx/brevitas_mlp.onnx");
  const bitloomFit = (...args: string[]) => place.start(["fit", model, ...args], { PATH: "/nowhere" });

  it("knows every board without any tool", async () => {
    const { exitCode, stdout } = await bitloomFit("--json");
    expect(exitCode).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ ok: true, model: "brevitas_mlp", linked: false });
    expect(report.boards.map((b: { board: string }) => b.board)).toEqual(listBoards().map(({ id }) => id));
    expect(report.boards[0]).toMatchObject({ fits: "yes", flash: { size: expect.any(Number) } });
    expect(place.leftFiles()).toEqual([]);
  });

  it("of one board shows the commands that flash it", async () => {
    const { stdout } = await bitloomFit("--board", "raspberry-pi-pico");
    expect(stdout).toContain("copy brevitas_mlp.uf2 to the drive RPI-RP2");
    expect(stdout).toContain("probe-rs download --chip RP2040");
  });

  it("says what is missing where an image is asked for", async () => {
    const { exitCode, stderr } = await bitloomFit("--build");
    expect(exitCode).toBe(3);
    expect(stderr).toContain("gcc-arm-none-eabi");
  });

  it("exits 1 where a board that was named has no room", async () => {
    const large = join(repoRoot, "examples/mnist-cnn/model.onnx");
    const { exitCode, stdout } = await place.start(["fit", large, "--board", "microbit,nucleo-f030r8"]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^no +nucleo-f030r8/m);
    expect(stdout).toMatch(/^(yes|maybe) +microbit/m);
  });

  it("says in which memories banks have room", async () => {
    const large = join(repoRoot, "examples/mnist-cnn/model.onnx");
    const options = ["--board", "stm32f4-discovery", "--arena-banks", "10K,4K", "--json"];
    const { exitCode, stdout } = await place.start(["fit", large, ...options]);
    expect(exitCode).toBe(0);
    const [board] = JSON.parse(stdout).boards;
    expect(board).toMatchObject({ fits: "yes", arena: [{ memory: "ram" }, { memory: "ram" }], banks: null });
    expect(board.ram.needed).toBeGreaterThan(board.arena[0].bytes + board.arena[1].bytes);
  });
});
