/** Which boards can run a model: memory, emulators, and how each board is flashed. */
import { join } from "node:path";
import type { CompiledModel } from "./compile.js";
import type { Emulator } from "./emulators/index.js";
import { dryRun, dryRunLines, isUsable } from "./flashing/index.js";
import type { InputBatch } from "./inputs.js";
import { canonicalSize } from "./program/index.js";
import { type Board, type Cpu, qemuBoard } from "./targets/index.js";
import { temporaryFolder } from "./toolchain/at-exit.js";
import {
  buildFirmware,
  compileForCpu,
  DoesNotFit,
  type LibraryOnDisk,
  type Link,
  shortagesText,
} from "./toolchain/index.js";
import { type Verification, verifyModel, writeLibrary } from "./verify.js";

/** Bytes that are needed of a memory, and how many there are. */
export interface Need {
  readonly needed: number;
  readonly size: number;
}

/** What an emulator said. `none`: it does not have the board, nor a machine that could stand in. */
export interface Tried {
  readonly verdict: "passed" | "failed" | "skipped" | "none";
  /** The machine that ran, or would; null where there is none. */
  readonly machine: string | null;
  readonly isStandIn: boolean;
  /** Whether every layer was compared too, by a build with traces. */
  readonly tracesCompared: boolean;
  /** Figures, or why it failed or was skipped: one line. */
  readonly detail: string;
}

/** Details of runs that were skipped. */
export const NOT_ASKED_FOR = "not asked for";
export const DOES_NOT_FIT = "it does not fit the board";

/** A tool that writes images to the board, and what it would be told. */
export interface FlashCommand {
  readonly tool: string;
  readonly installed: boolean;
  readonly lines: readonly string[];
}

export interface BoardFit {
  readonly board: Board;
  /** `maybe`: only an image that is linked can tell. */
  readonly fits: "yes" | "maybe" | "no";
  /**
   * Whether an image was linked, with the test harness: figures are its own then. Otherwise they are what the plan knows:
   * weights, and arena with input and output.
   */
  readonly linked: boolean;
  readonly flash: Need;
  /** With the stack, of an image that was linked. */
  readonly ram: Need;
  readonly qemu: Tried;
  readonly renode: Tried;
  readonly flashing: readonly FlashCommand[];
}

export interface FitRun {
  readonly batch: (model: CompiledModel) => InputBatch;
  /** Emulators that are installed. */
  readonly qemu?: Emulator | undefined;
  readonly renode?: Emulator | undefined;
  readonly timeoutMs?: number;
}

export interface FitOptions {
  readonly compile: (cpu: Cpu) => CompiledModel;
  /** Link an image for each board; needs the Arm compiler. */
  readonly link: boolean;
  /** Run it in emulators, too; needs `link`. */
  readonly run?: FitRun | undefined;
  readonly onProgress?: (message: string) => void;
}

/**
 * One row a board, in their order. The model is compiled once a core, and an emulated machine runs it once a core: boards
 * with the same stand-in have its verdict in common, since they run the same image there.
 */
export async function fitBoards(boards: readonly Board[], options: FitOptions): Promise<BoardFit[]> {
  const folder = temporaryFolder("bitloom-fit-");
  try {
    const found = new Map<string, BoardFit>();
    for (const group of byCore(boards)) {
      const { cpu } = group[0]!;
      options.onProgress?.(`compiling for ${cpu.name}`);
      const core = new Core(options.compile(cpu), cpu, join(folder.path, cpu.id), options);
      for (const board of group) {
        options.onProgress?.(`${board.id} (${found.size + 1} of ${boards.length})`);
        found.set(board.id, await core.fit(board));
      }
    }
    return boards.map(({ id }) => found.get(id)!);
  } finally {
    folder.remove();
  }
}

function byCore(boards: readonly Board[]): Board[][] {
  const groups = new Map<string, Board[]>();
  for (const board of boards) groups.set(board.cpu.id, [...(groups.get(board.cpu.id) ?? []), board]);
  return [...groups.values()];
}

/** One model compiled for one core. */
class Core {
  readonly #library: LibraryOnDisk;
  #objects: Promise<string[]> | undefined;
  readonly #runs = new Map<string, Promise<Tried>>();

  constructor(
    readonly model: CompiledModel,
    readonly cpu: Cpu,
    readonly folder: string,
    readonly options: FitOptions,
  ) {
    this.#library = writeLibrary(model, join(folder, "library"));
  }

  async fit(board: Board): Promise<BoardFit> {
    const { link, run } = this.options;
    const room = link ? await this.#linked(board) : estimated(this.model, board);
    const why = room.fits === "no" ? DOES_NOT_FIT : run === undefined ? NOT_ASKED_FOR : undefined;
    const machine = qemuBoard(board);
    return {
      board,
      linked: link,
      ...room,
      qemu: await this.#tried(machine, board, run?.qemu, why ?? "QEMU not found"),
      renode: await this.#tried(
        board.renode === undefined ? undefined : board,
        board,
        run?.renode,
        why ?? "Renode not found",
      ),
      flashing: board.flash.map((entry) => {
        const image = { elf: `${this.model.library.name}.elf`, address: board.memories.flash.origin };
        const plan = dryRun(image, { board, entry }, "");
        return { tool: entry.tool, installed: isUsable(entry), lines: dryRunLines(plan) };
      }),
    };
  }

  /** Links within the board's memories; where that fails, without an end to them, for the figures. */
  async #linked(board: Board): Promise<Pick<BoardFit, "fits" | "flash" | "ram">> {
    this.#objects ??= compileForCpu(this.#library, this.cpu, join(this.folder, "objects"), false);
    const libraryObjects = await this.#objects;
    const build = (place: Board, outDir: string) =>
      buildFirmware({ library: this.#library, board: place, outDir, trace: false, libraryObjects });
    const outDir = join(this.folder, board.id);
    let fits: BoardFit["fits"] = "yes";
    const firmware = await build(board, outDir).catch((error: unknown) => {
      if (!(error instanceof DoesNotFit)) throw error;
      fits = "no";
      return build(endless(board), outDir);
    });
    const { flash, ram } = board.memories;
    return {
      fits,
      flash: { needed: firmware.flashBytes, size: flash.size },
      ram: { needed: firmware.ramBytes + firmware.reservedStackBytes, size: ram.size },
    };
  }

  async #tried(
    machine: Board | undefined,
    board: Board,
    emulator: Emulator | undefined,
    otherwise: string,
  ): Promise<Tried> {
    if (machine === undefined) {
      return {
        verdict: "none",
        machine: null,
        isStandIn: false,
        tracesCompared: false,
        detail: "no machine",
      };
    }
    const common = { machine: machine.id, isStandIn: machine.id !== board.id };
    const { run } = this.options;
    if (emulator === undefined || run === undefined || otherwise === DOES_NOT_FIT) {
      return { ...common, verdict: "skipped", tracesCompared: false, detail: otherwise };
    }
    // A board that is the machine itself runs as it is flashed, with its own UART; a stand-in proves no UART and takes what is fast.
    const link = common.isStandIn ? emulator.link : "uart";
    const key = `${emulator.id} ${machine.id} ${link}`;
    const running = this.#runs.get(key) ?? this.#run(machine, emulator, link, run);
    this.#runs.set(key, running);
    return { ...(await running), ...common };
  }

  async #run(board: Board, emulator: Emulator, link: Link, { batch, timeoutMs }: FitRun): Promise<Tried> {
    const { onProgress } = this.options;
    const common = { machine: board.id, isStandIn: false };
    try {
      const verification = await verifyModel(this.model, batch(this.model), {
        ...{ emulator, board, link },
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        onProgress: (message) => onProgress?.(`${emulator.id} ${board.id}: ${message}`),
      });
      return { ...common, ...verdictOf(verification) };
    } catch (error) {
      if (!(error instanceof DoesNotFit)) throw error;
      const detail = `${board.id} is too small to run it: ${shortagesText(error.shortages)}`;
      return { ...common, verdict: "skipped", tracesCompared: false, detail };
    }
  }
}

function verdictOf({ passed, builds, notChecked }: Verification) {
  const failed = builds.flatMap((b) => b.checks.filter((c) => c.verdict === "failed"));
  const count = builds[0]?.vectors ?? 0;
  return {
    verdict: passed ? ("passed" as const) : ("failed" as const),
    tracesCompared: notChecked.length === 0,
    detail: [
      ...(passed ? [`${count} of ${count} inputs equal`] : failed.map((c) => `${c.check}: ${c.detail}`)),
      ...notChecked.map(({ reason }) => reason),
    ].join("; "),
  };
}

/** More than code and tables took in any image of the tests, and more than the harness's own variables and the stack did. */
const LIKELY_FLASH = 40 * 1024;
const LIKELY_RAM = 6 * 1024;

/** What the plan alone tells: weights, and arena with input and output, must have room; code and stack come on top. */
function estimated({ plan }: CompiledModel, { memories }: Board): Pick<BoardFit, "fits" | "flash" | "ram"> {
  const { tensors, input, output } = plan.program;
  const buffers = canonicalSize(tensors[input.tensor]!) + canonicalSize(tensors[output.tensor]!);
  const flash = { needed: plan.weightBytes, size: memories.flash.size };
  const ram = { needed: plan.memory.arenaBytes + buffers, size: memories.ram.size };
  const holds = (moreFlash: number, moreRam: number): boolean =>
    flash.needed + moreFlash <= flash.size && ram.needed + moreRam <= ram.size;
  return { fits: holds(LIKELY_FLASH, LIKELY_RAM) ? "yes" : holds(0, 0) ? "maybe" : "no", flash, ram };
}

/** The board, with so much memory that the linker never complains. */
function endless(board: Board): Board {
  const { flash, ram } = board.memories;
  const size = 2 ** 28;
  return { ...board, memories: { ...board.memories, flash: { ...flash, size }, ram: { ...ram, size } } };
}
