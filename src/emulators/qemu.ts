/** QEMU's system emulator for Arm. Its machine's first UART is the process's standard input and output. */
import { resolve } from "node:path";
import { fail } from "../diagnostics/diagnostic.js";
import { findFunction, readElf } from "../toolchain/elf.js";
import { findByVariable, missing, type ToolNeed, versionLine } from "../toolchain/tools.js";
import { checkImage } from "./check-image.js";
import { makeInputPipe } from "./input-pipe.js";
import { startProcess } from "./process-machine.js";
import { profileByPlugin } from "./qemu-profile.js";
import type { Emulator } from "./types.js";

export const qemuNeed: ToolNeed = {
  name: "qemu-system-arm",
  remedy: "install it (Debian, Ubuntu: apt install qemu-system-arm) or set BITLOOM_QEMU",
};

/** Absolute path of qemu-system-arm: BITLOOM_QEMU, then PATH. Undefined when absent. */
export function findQemu(): string | undefined {
  return findByVariable("BITLOOM_QEMU", "qemu-system-arm");
}

/**
 * Runs an ELF built for `board`, which must be a QEMU machine itself: pass `qemuBoard(board)` for one with a
 * stand-in, and build for that.
 */
export const qemuEmulator: Emulator = {
  id: "qemu",
  link: "semihosting",
  find: async () => {
    const path = findQemu();
    if (path === undefined) return undefined;
    const line = (await versionLine(path)) ?? "";
    return { path, version: /version (\S+)/.exec(line)?.[1] ?? "unknown" };
  },
  start: async (image, board, options = {}) => {
    if (board.qemu === undefined || !("machine" in board.qemu)) {
      throw fail("emulator/no-machine", `QEMU has no machine for the board ${board.id}`, {
        remedy: "build for its stand-in (see qemuBoard) or use another emulator",
      });
    }
    const path = findQemu();
    if (path === undefined) throw missing(qemuNeed);
    const { machine, cpu } = board.qemu;
    const elf = await readElf(image);
    checkImage(elf, board, image);
    const semihosting = findFunction(elf, SEMIHOSTING_MARKER) !== undefined;
    const args = [
      ...["-machine", machine],
      ...(cpu === undefined ? [] : ["-cpu", cpu]),
      ...QUIET,
      ...(semihosting ? SEMIHOSTING : SERIAL),
      ...["-kernel", resolve(image)],
      ...(options.extraArgs ?? []),
    ];
    const profile =
      options.profile === undefined ? undefined : await profileByPlugin(path, elf, options.profile);
    const pipe = semihosting ? await makeInputPipe() : undefined;
    return startProcess(`qemu ${board.id}`, path, [...args, ...(profile?.args ?? [])], {
      ...options,
      ...pipe,
      ...(profile === undefined ? {} : { findings: profile.findings }),
      cleanUp: () => {
        pipe?.cleanUp();
        profile?.cleanUp();
      },
    });
  },
};

const QUIET = ["-display", "none", "-monitor", "none", "-nic", "none"];
/**
 * QEMU stops reading its standard input when the UART does not take a byte, and not every UART model wakes it up when
 * the firmware switches the receiver on. The multiplexer always takes some bytes. Its escape character is set to
 * a value that no byte has.
 */
const SERIAL = ["-chardev", "stdio,id=link,mux=on,signal=off", "-echr", "0x100", "-serial", "chardev:link"];
const SEMIHOSTING = [
  "-chardev",
  "stdio,id=link,signal=off",
  "-serial",
  "null",
  "-semihosting-config",
  "enable=on,target=native,chardev=link",
];

/** A function in templates/harness/uart_semihosting.c. */
const SEMIHOSTING_MARKER = "harness_semihosting_call";
