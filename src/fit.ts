/** Which boards can run a model: memory, emulators, and how each board is flashed. */
import { join } from "node:path";
import type { CompiledModel } from "./compile.js";
import type { Emulator } from "./emulators/index.js";
import { type ArenaPart, arenaParts, banksFor, bytesElsewhere, hasPlan, placedParts } from "./fit-arena.js";
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
  /** Of the memory for data and stack; of an image that was linked with the stack. */
  readonly ram: Need;
  /** The arena, or its banks, and the memories in which they have room. */
  readonly arena: readonly ArenaPart[];
  /** Banks in which the model would have room, where one arena has none: for `--arena-banks`. */
  readonly banks: readonly ArenaPart[] | null;
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
  /** With banks of these sizes in place of what the options say; throws `plan/banks` where there is no plan for them. */
  readonly compile: (cpu: Cpu, banks?: readonly number[]) => CompiledModel;
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

type Room = Pick<BoardFit, "fits" | "flash" | "ram" | "arena">;

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
      banks: this.#banks(board, room),
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

  /** Banks for a board on which one arena has no room. */
  #banks(board: Board, { fits, arena, ram, flash }: Room): readonly ArenaPart[] | null {
    if (fits !== "no" || arena.length > 1 || flash.needed > flash.size) return null;
    const taken = ram.needed - arena[0]!.bytes + (this.options.link ? 0 : LIKELY_RAM);
    const plans = (banks: readonly number[]): boolean =>
      hasPlan(() => this.options.compile(board.cpu, banks));
    return banksFor(board, taken, plans) ?? null;
  }

  /** Links within the board's memories; where that fails, without an end to them, for the figures. */
  async #linked(board: Board): Promise<Room> {
    this.#objects ??= compileForCpu(this.#library, this.cpu, join(this.folder, "objects"), false);
    const libraryObjects = await this.#objects;
    const build = (place: Board, outDir: string) =>
      buildFirmware({ library: this.#library, board: place, outDir, trace: false, libraryObjects });
    const outDir = join(this.folder, board.id);
    let fits = true;
    const firmware = await build(board, outDir).catch((error: unknown) => {
      if (!(error instanceof DoesNotFit)) throw error;
      fits = false;
      return build(endless(board), outDir);
    });
    const { flash, ram } = board.memories;
    const all = firmware.ramBytes + firmware.reservedStackBytes;
    const parts = arenaParts(this.model.plan.memory);
    const arena = placedParts(parts, board, all - sumOf(parts));
    // The image has all parts in one memory; those that an application puts elsewhere do not count.
    const needed = all - bytesElsewhere(arena);
    const fitsElsewhere = needed < all && needed <= ram.size && firmware.flashBytes <= flash.size;
    return {
      fits: fits || fitsElsewhere ? "yes" : "no",
      flash: { needed: firmware.flashBytes, size: flash.size },
      ram: { needed, size: ram.size },
      arena,
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
function estimated({ plan }: CompiledModel, board: Board): Room {
  const { memories } = board;
  const { tensors, input, output } = plan.program;
  const buffers = canonicalSize(tensors[input.tensor]!) + canonicalSize(tensors[output.tensor]!);
  const flash = { needed: plan.weightBytes, size: memories.flash.size };
  const parts = arenaParts(plan.memory);
  const roomWith = (more: number): readonly ArenaPart[] | undefined => {
    const placed = placedParts(parts, board, buffers + more);
    return placed.every((p) => p.memory !== null) ? placed : undefined;
  };
  const [likely, possible] = [roomWith(LIKELY_RAM), roomWith(0)];
  const holds = (room: object | undefined, moreFlash: number): boolean =>
    room !== undefined && flash.needed + moreFlash <= flash.size;
  const arena = likely ?? possible ?? parts.map((bytes) => ({ bytes, memory: null }));
  const needed = buffers + sumOf(parts) - bytesElsewhere(arena);
  return {
    fits: holds(likely, LIKELY_FLASH) ? "yes" : holds(possible, 0) ? "maybe" : "no",
    flash,
    ram: { needed, size: memories.ram.size },
    arena,
  };
}

function sumOf(bytes: readonly number[]): number {
  return bytes.reduce((a, b) => a + b, 0);
}

/** The board, with so much memory that the linker never complains. */
function endless(board: Board): Board {
  const { flash, ram } = board.memories;
  const size = 2 ** 28;
  return { ...board, memories: { ...board.memories, flash: { ...flash, size }, ram: { ...ram, size } } };
}
