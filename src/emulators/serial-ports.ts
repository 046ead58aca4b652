/** Which serial ports there are, which board each belongs to, and who else uses one. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import type { Board } from "../targets/boards.js";

export interface PortInfo {
  /** e.g. `/dev/ttyACM0`. */
  readonly path: string;
  /** USB vendor and product, e.g. `0d28:0204`, where it is known. */
  readonly vidPid?: string;
  /** What the device calls itself, where it is known. */
  readonly product?: string;
}

/** Where the system shows its devices; tests have their own. */
export interface DeviceFolders {
  readonly sys: string;
  readonly dev: string;
}

const SYSTEM: DeviceFolders = { sys: "/sys/class/tty", dev: "/dev" };
/** Names of ports with a device behind them: USB on Linux, UARTs of small computers, macOS. */
const LINUX_NAME = /^tty(ACM|USB|AMA)\d+$/;
const MACOS_NAME = /^cu\.(usb|SLAB|wch)/i;
/** A port's own folder lies a few levels below its USB device's. */
const LEVELS = 6;

/** Every port that may belong to a board, sorted. */
export function listSerialPorts({ sys, dev }: DeviceFolders = SYSTEM): PortInfo[] {
  const linux = names(sys)
    .filter((name) => LINUX_NAME.test(name))
    .map((name) => ({ path: join(dev, name), ...usbDevice(join(sys, name, "device")) }));
  const macOs = names(dev)
    .filter((name) => MACOS_NAME.test(name))
    .map((name) => ({ path: join(dev, name) }));
  return [...linux, ...macOs].sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
}

/**
 * The port of a board, by the USB ids in its file; the only port there is, where the board's are not known. Throws
 * `serial/no-port` or `serial/many-ports` (exit 1) with a list of those that there are.
 */
export function findSerialPort(board: Board, folders: DeviceFolders = SYSTEM): string {
  const ports = listSerialPorts(folders);
  const known = ports.filter((port) => port.vidPid !== undefined && board.usb?.includes(port.vidPid));
  const candidates = known.length > 0 || board.usb !== undefined ? known : ports;
  const [port, ...others] = candidates;
  if (port !== undefined && others.length === 0) return port.path;
  throw port === undefined ? noPort(board, ports) : manyPorts(board, candidates);
}

function noPort(board: Board, ports: readonly PortInfo[]): BitloomError {
  const wanted = board.usb === undefined ? "" : ` (USB ${board.usb.join(", ")})`;
  const list = ports.length === 0 ? "there are none" : `there are ${listText(ports)}`;
  return fail("serial/no-port", `no serial port belongs to ${board.id}${wanted}; ${list}`, {
    remedy: `plug the board in, by a cable with data lines, or name its port by --port; its UART is at ${board.uart.pins}`,
    exitCode: 1,
  });
}

function manyPorts(board: Board, ports: readonly PortInfo[]): BitloomError {
  return fail(
    "serial/many-ports",
    `more than one serial port may belong to ${board.id}: ${listText(ports)}`,
    {
      remedy: "name one by --port",
      exitCode: 1,
    },
  );
}

function listText(ports: readonly PortInfo[]): string {
  return ports
    .map(({ path, vidPid, product }) => {
      const about = [vidPid, product === undefined ? undefined : printable(product, 40)].filter(Boolean);
      return about.length === 0 ? printable(path) : `${printable(path)} (${about.join(" ")})`;
    })
    .join(", ");
}

/** The USB device that a port belongs to: the first folder upwards that has a vendor. */
function usbDevice(device: string): Pick<PortInfo, "vidPid" | "product"> {
  let folder = real(device);
  for (let level = 0; folder !== undefined && level < LEVELS; level++, folder = dirname(folder)) {
    const vendor = line(join(folder, "idVendor"));
    const id = line(join(folder, "idProduct"));
    if (vendor === undefined || id === undefined) continue;
    const product = line(join(folder, "product"));
    return { vidPid: `${vendor}:${id}`.toLowerCase(), ...(product === undefined ? {} : { product }) };
  }
  return {};
}

/** Other programs of this user that have a port open, e.g. `screen (process 1234)`; on Linux. */
export function portUsers(path: string, proc = "/proc"): string[] {
  const device = real(path);
  if (device === undefined) return [];
  return names(proc)
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => names(join(proc, pid, "fd")).some((fd) => link(join(proc, pid, "fd", fd)) === device))
    .map((pid) => `${printable(line(join(proc, pid, "comm")) ?? basename(pid), 40)} (process ${pid})`);
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function real(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The first line of a file; undefined when it cannot be read. */
function line(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1").split("\n")[0]?.trim();
  } catch {
    return undefined;
  }
}
