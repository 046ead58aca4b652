/** What Ctrl-C and a request to end do. */

const SIGNALS = [
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const;

/** Set while a command has something of its own to do first. */
let own: (() => void) | undefined;

/** By default the process exits: exit handlers end emulators and tools, and remove temporary files. */
export function listenForSignals(): void {
  for (const [signal, status] of SIGNALS) {
    process.on(signal, () => {
      const handler = own;
      // Whoever asks twice does not want to wait.
      own = undefined;
      if (handler === undefined) process.exit(status);
      handler();
    });
  }
}

/** Calls `handler` at the first signal instead, until the function that is returned is called. */
export function onInterrupt(handler: () => void): () => void {
  own = handler;
  return () => {
    own = undefined;
  };
}
