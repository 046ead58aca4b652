/** The shape of `boards/<id>/board.json`. */
import { z } from "zod";
import { listCpus } from "./cpus.js";

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

export const uartDrivers = ["cmsdk", "pl011", "nrf-uart", "stm32-usart-v1", "stm32-usart-v2"] as const;

const machineName = z.string().regex(/^[a-z0-9][a-z0-9_.-]*$/i);
const qemuMachine = z.strictObject({ machine: machineName, cpu: machineName.optional() });
/** A name in a Renode platform. */
const peripheral = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);
const oneLine = z.string().regex(/^[\x20-\x7e]+$/, "one line of plain ASCII");
const qemuStandIn = z.strictObject({ standIn: z.string() });

export const boardFile = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+$/),
  name: z.string().min(1),
  cpu: z.enum(cpuIds as [string, ...string[]]),
  memories: z.strictObject({ flash: memory, ram: memory }),
  uart: z.strictObject({
    driver: z.enum(uartDrivers),
    base: address,
    /** Clock of the UART at reset, Hz: the baud rate divider follows from it. */
    clock: z.int().positive(),
    /** Bits to set in registers before the UART works: clocks, mostly. In order. */
    enable: z.array(z.strictObject({ register: address, bits: address, why: z.string() })).optional(),
  }),
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
      changes: z.array(z.strictObject({ why: oneLine, lines: z.array(oneLine).min(1) })).optional(),
    })
    .optional(),
  /** Where the figures come from: data sheets, headers, emulator sources. */
  sources: z.array(z.string().min(1)).min(1),
});

export type BoardFile = z.infer<typeof boardFile>;
