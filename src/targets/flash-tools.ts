/** The shape of `flash` in `boards/<id>/board.json`: the tools that can write an image to the board, best first. */
import { z } from "zod";

/** A name as the tool itself spells it: one word, so that it is one argument and no option. */
const word = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/, "a name of the tool, without blanks");
/** A path below OpenOCD's own folder of scripts, e.g. `interface/stlink.cfg`. */
const openOcdScript = z
  .string()
  .regex(/^(interface|target|board)\/[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*\.cfg$/, "a script of OpenOCD");
/** Up to 32 bits, e.g. `0xe48bff56`. */
const hex32 = z.string().regex(/^0x[0-9a-f]{1,8}$/, "a number such as 0xe48bff56");
/** USB vendor and product, e.g. `2341:0369`. */
export const vidPid = z
  .string()
  .regex(/^[0-9a-f]{4}:[0-9a-f]{4}$/, "USB ids in small letters such as 2341:005a");

export const flashTool = z.discriminatedUnion("tool", [
  /** `chip` as `probe-rs chip list` has it. */
  z.strictObject({ tool: z.literal("probe-rs"), chip: word }),
  z.strictObject({
    tool: z.literal("openocd"),
    interface: openOcdScript,
    target: openOcdScript,
    /** For interfaces that would choose JTAG by themselves. */
    transport: z.enum(["swd", "jtag"]).optional(),
  }),
  /** `target` as `pyocd list --targets` has it; `pack`: it needs `pyocd pack install` first. */
  z.strictObject({ tool: z.literal("pyocd"), target: word, pack: z.boolean().optional() }),
  /** Writes to the image's own address. */
  z.strictObject({ tool: z.literal("st-flash") }),
  /** `device` as SEGGER's list of devices has it. */
  z.strictObject({ tool: z.literal("jlink"), device: word }),
  z.strictObject({
    tool: z.literal("uf2"),
    /** Family id of the blocks, from Microsoft's list of UF2 families. */
    family: hex32,
    /** Volume label of the drive that the bootloader shows. */
    label: z.string().regex(/^[A-Z0-9_.-]{1,11}$/, "a volume label"),
  }),
  z.strictObject({
    tool: z.literal("bossac"),
    /** What `--offset` gets: where the image starts, in the bootloader's own count. */
    offset: hex32,
  }),
  z.strictObject({
    tool: z.literal("dfu-util"),
    /** USB ids of the board in its bootloader. */
    vidPid,
    /** Alternate setting of its DFU interface. */
    alt: z.int().min(0).max(255),
    /** Where a DfuSe bootloader (ST's) writes; absent where the bootloader knows. */
    address: hex32.optional(),
  }),
]);

export type FlashTool = z.infer<typeof flashTool>;
