/** The shape of `boards/<id>/board.json`. */
import { z } from "zod";
import { cpuRemedy, listCpus } from "./cpus.js";
import { flashTool, vidPid } from "./flash-tools.js";

const cpuIds = listCpus().map((c) => c.id);

/** An address as data sheets write it: `"0x20000000"`. */
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,8}$/, "an address is written as a string such as 0x20000000")
  .transform((text) => Number.parseInt(text, 16));

const memory = z.strictObject({
  origin: address,
  /** Bytes. */
  size: z.int().positive().max(0xffffffff),
});

export const uartDrivers = [
  "cmsdk",
  "pl011",
  "nrf-uart",
  "nrf-uarte",
  "stm32-usart-v1",
  "stm32-usart-v2",
  "sam-sercom",
  "imx-lpuart",
  "renesas-sci",
] as const;

/** Something to do to a register before the UART works. */
const step = {
  register: address,
  /** Bits of the access; 32 by default. */
  width: z.union([z.literal(8), z.literal(16), z.literal(32)]).optional(),
  why: z.string().min(1),
};
const enableStep = z.union([
  /** Clears the bits in `clear`, then sets those in `bits`. */
  z.strictObject({ ...step, bits: address, clear: address.optional() }),
  /** Writes the whole register. */
  z.strictObject({ ...step, write: address }),
  /** Waits until the bits in `mask` are those in `is`. */
  z.strictObject({ ...step, mask: address, is: address }),
]);

/**
 * What a chip's boot ROM wants in front of, or inside, an image in flash, beside the vector table; each is a file
 * `templates/harness/boot_<kind>`.
 */
export const bootHeaders = ["rp2040", "rp2350", "imxrt"] as const;

const hertz = z.int().positive().max(2_000_000_000);

const machineName = z.string().regex(/^[a-z0-9][a-z0-9_.-]*$/i);
const qemuMachine = z.strictObject({ machine: machineName, cpu: machineName.optional() });
/** A name in a Renode platform. */
const peripheral = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);
const oneLine = z.string().regex(/^[\x20-\x7e]+$/, "one line of plain ASCII");
const qemuStandIn = z.strictObject({ standIn: z.string() });

const renodeChange = z.strictObject({
  why: oneLine,
  lines: z.array(oneLine).min(1),
  /** Only where bitloom's own images run: firmware of users may depend on what this takes away. */
  ownImagesOnly: z.literal(true).optional(),
});

export const boardFile = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+$/),
  name: z.string().min(1),
  cpu: z.enum(cpuIds as [string, ...string[]], {
    error: ({ input }) => `there is no core "${input}": ${cpuRemedy(String(input))}`,
  }),
  /** The chip's floating-point unit. Told in tables; generated code never uses it, so that all boards compute the same. */
  fpu: z.enum(["none", "single", "double"]),
  /** Of the core, Hz: after reset and `uart.enable`, where images of bitloom run, and the most that it is rated for. */
  clock: z.strictObject({ run: hertz, max: hertz }),
  memories: z.strictObject({
    /** Where the image lies: the chip's flash without what a bootloader keeps for itself. */
    flash: memory,
    /** Where data and stack lie: one piece. */
    ram: memory,
    /** What else the chip has, which images do not use: further banks, coupled memories, a bootloader's flash. */
    others: z
      .array(
        memory.extend({
          name: z.string().regex(/^[a-z0-9-]+$/),
          /** Whether it is RAM in which an arena can lie; some of it wants a clock first. */
          data: z.literal(true).optional(),
        }),
      )
      .optional(),
  }),
  /** What the boot ROM wants in an image; absent where the vector table at the start of flash is enough. */
  boot: z.enum(bootHeaders).optional(),
  uart: z.strictObject({
    driver: z.enum(uartDrivers),
    base: address,
    /** Clock of the UART after reset and `enable`, Hz: the baud rate divider follows from it. */
    clock: z.int().positive(),
    /** Clocks, pins and resets, in order, so that bytes reach the board's connector. */
    enable: z.array(enableStep).optional(),
    /** Where the two lines are: pins of the chip, and the connector or the debugger's serial port. */
    pins: z.string().min(1),
  }),
  /** Tools that can write an image to the board, best first; empty where there is no board, or none can. */
  flash: z.array(flashTool),
  /** USB ids of the board's serial port, so that `monitor` finds it. */
  usb: z.array(vidPid).optional(),
  /** What its user should know: what is not yet possible, what the bootloader does. */
  notes: z.array(z.string().min(1)).optional(),
  /** QEMU's machine for this board, or a board with the same core that QEMU does have. */
  qemu: z.union([qemuMachine, qemuStandIn]).optional(),
  renode: z
    .strictObject({
      /** Path below Renode's own folder, e.g. `platforms/boards/stm32f4_discovery-kit.repl`. */
      platform: z.string().regex(/^[A-Za-z0-9_./-]+$/),
      /** Name of the UART in that platform, e.g. `usart2`. */
      uart: z.string().regex(/^[A-Za-z0-9_.]+$/),
      /** Names of memories in that platform that must be given the chip's real place and size. */
      memories: z.strictObject({ flash: peripheral.optional(), ram: peripheral.optional() }).optional(),
      /** Other changes to that platform, in Renode's platform language. */
      changes: z.array(renodeChange).optional(),
    })
    .optional(),
  /** Where the figures come from: data sheets, headers, emulator sources. */
  sources: z.array(z.string().min(1)).min(1),
});

export type BoardFile = z.infer<typeof boardFile>;
export type EnableStep = z.infer<typeof enableStep>;
