/** A line on a terminal's standard error that is written over; nothing where no person watches. */
export function progressLine(silent: boolean): { update(message: string): void; clear(): void } {
  const visible = !silent && process.stderr.isTTY === true;
  let last = 0;
  return {
    update(message) {
      if (!visible || Date.now() - last < 100) return;
      last = Date.now();
      process.stderr.write(`\r\x1b[2K${message}`);
    },
    clear() {
      if (visible) process.stderr.write("\r\x1b[2K");
    },
  };
}
