/** The figures of boards agree with each other. */
import { describe, expect, it } from "vitest";
import { type Board, listBoards, type Memory } from "../../src/targets/index.js";

const BAUD = 115_200;
const named = listBoards().map((board) => [board.id, board] as const);

/** What the drivers with a divider of whole numbers make of the baud rate. */
const dividers: Readonly<Record<string, (clock: number) => number>> = {
  cmsdk: (clock) => Math.floor(clock / BAUD),
  "stm32-usart-v1": (clock) => Math.round(clock / BAUD),
  "stm32-usart-v2": (clock) => Math.round(clock / BAUD),
  "imx-lpuart": (clock) => 16 * Math.round(clock / (16 * BAUD)),
  pl011: (clock) => Math.round((4 * clock) / BAUD) / 4,
};

function memoriesOf({ memories: { flash, ram, others = [] } }: Board): Memory[] {
  return [flash, ram, ...others].sort((a, b) => a.origin - b.origin);
}

describe("the data of a board", () => {
  it.each(named)("%s: memories lie apart, on whole kilobytes", (_id, board) => {
    const memories = memoriesOf(board);
    for (const [i, { origin, size }] of memories.entries()) {
      expect([origin % 1024, size % 1024]).toEqual([0, 0]);
      const next = memories[i + 1];
      if (next !== undefined) expect(origin + size).toBeLessThanOrEqual(next.origin);
    }
  });

  it.each(named)("%s: clocks are within the rating, and give the baud rate within 2 %%", (_id, board) => {
    const { clock, uart } = board;
    expect(clock.run).toBeLessThanOrEqual(clock.max);
    expect(uart.clock).toBeLessThanOrEqual(clock.max);
    const divide = dividers[uart.driver];
    // QEMU's machines have no wire; Nordic's rates are fixed numbers, the others divide by fractions.
    if (divide === undefined || board.flash.length === 0) return;
    const rate = uart.clock / divide(uart.clock);
    expect(Math.abs(rate / BAUD - 1)).toBeLessThan(0.02);
  });

  it.each(named)("%s: registers are peripherals', and real boards say how bytes reach them", (_id, board) => {
    const steps = board.uart.enable ?? [];
    for (const { register } of steps) expect(register).toBeGreaterThanOrEqual(0x40000000);
    const isReal = board.flash.length > 0 || board.boot !== undefined;
    if (isReal) expect(steps.length).toBeGreaterThan(0);
    else expect(board.notes?.length).toBeGreaterThan(0);
  });
});
