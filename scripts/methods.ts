/**
 * `npm run methods`: measures the nets of test/methods on a Cortex-M4 in QEMU, or those whose names begin with the arguments,
 * for docs/METHODS.md. `npm run methods -- --write DIR NET`: writes a net as the bundle that a user would have.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { profileModel } from "../src/profile.js";
import { armGccVersion } from "../src/toolchain/compiler.js";
import { methods } from "../test/methods/methods.js";
import { formOf, type NetFigures, readFigures, writeFigures } from "../test/support/methods/figures.js";
import { batchOf, machines } from "../test/support/methods/machines.js";
import { buildNet, deviceInput, inputsOf, type MethodNet } from "../test/support/methods/net.js";

/** Seed of the figures; tests have it too. */
const SEED = 1;
const INPUTS = 4;

const nets = methods.flatMap((method) => method.nets);

async function figuresOf(net: MethodNet): Promise<NetFigures> {
  const built = buildNet(net, SEED);
  const inputs = inputsOf(net, SEED + 1, INPUTS).slice(0, INPUTS);
  const batch = batchOf(inputs.map((input) => deviceInput(built, input)));
  const { board, emulator } = machines.M4;
  const { total } = await profileModel(built.compiled, batch, { emulator, board, link: emulator.link });
  return {
    ...formOf(built.compiled),
    instructions: Math.round(total.instructions),
    macs: total.macs,
    flashBytes: total.flashBytes,
    arenaBytes: total.arenaBytes,
  };
}

async function measure(prefixes: readonly string[]): Promise<void> {
  const known = readFigures().nets;
  const figures: Record<string, NetFigures> = {};
  for (const net of nets) {
    const isWanted = prefixes.length === 0 || prefixes.some((prefix) => net.name.startsWith(prefix));
    const before = known[net.name];
    if (isWanted) console.log(net.name);
    const found = isWanted ? await figuresOf(net) : before;
    if (found !== undefined) figures[net.name] = found;
  }
  writeFigures({ compiler: await armGccVersion(), nets: figures });
}

function write(dir: string, name: string): void {
  const net = nets.find((n) => n.name === name);
  if (net === undefined) throw new Error(`no net is called ${name}: ${nets.map((n) => n.name).join(", ")}`);
  const { manifest, weights } = buildNet(net, SEED).files;
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${name}.json`), manifest);
  writeFileSync(join(dir, "net.safetensors"), weights);
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--write") write(rest[0] ?? ".", rest[1] ?? "");
else await measure(first === undefined ? [] : [first, ...rest]);
