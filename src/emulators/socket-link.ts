/** A TCP connection to a port of this computer that somebody is about to listen on. */
import { createServer, connect as netConnect, type Socket } from "node:net";

const RETRY_MS = 50;

/** A port that nobody uses now. Somebody may take it before it is used: the caller tries another then. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Connects to 127.0.0.1, again and again until `timeoutMs` have passed; undefined when nobody answered. */
export async function connectLocally(port: number, timeoutMs: number): Promise<Socket | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const socket = await tryConnect(port);
    if (socket !== undefined) return socket;
    if (performance.now() + RETRY_MS > deadline) return undefined;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function tryConnect(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = netConnect({ port, host: "127.0.0.1", noDelay: true });
    // The listener stays: a connection may break before its new owner listens. "close" follows and tells it.
    socket.on("error", () => resolve(undefined));
    socket.once("connect", () => resolve(socket));
  });
}
