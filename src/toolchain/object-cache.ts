/**
 * Objects kept from one build to the next, by the contents of everything that they are made of. Most of a library is the
 * runtime, the same files in every model: with BITLOOM_OBJECT_CACHE=folder they are compiled once. Flags, compiler and the
 * texts of a source and of all that it includes make the key; where they lie does not matter.
 */
import { createHash, randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import type { CompileJob } from "./compiler.js";

/** What a compiler may write beside an object: stack use and call graph. */
const COMPANIONS = [".su", ".ci"];

/** The folder of the cache, if the user wants one. */
export function cacheFolder(): string | undefined {
  const folder = process.env.BITLOOM_OBJECT_CACHE;
  return folder === undefined || folder === "" ? undefined : folder;
}

/** Runs `compile` unless the cache has the job's object. */
export async function compileCached(
  folder: string,
  compiler: string,
  job: CompileJob,
  compile: () => Promise<void>,
): Promise<void> {
  const kept = join(folder, await keyOf(compiler, job));
  if (await copied(`${kept}.o`, job.object)) {
    for (const end of COMPANIONS) await copied(kept + end, withEnd(job.object, end));
    return;
  }
  await compile();
  await mkdir(folder, { recursive: true });
  // The object comes last: whoever finds it finds its companions too.
  for (const end of COMPANIONS) await put(withEnd(job.object, end), kept + end);
  await put(job.object, `${kept}.o`);
}

function withEnd(object: string, end: string): string {
  return object.replace(/\.o$/, end);
}

/** Copies a file that may be absent. */
async function copied(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Others may read and write the cache at the same time: a file appears whole or not at all. */
async function put(from: string, to: string): Promise<void> {
  const draft = `${to}.${randomUUID()}`;
  try {
    if (await copied(from, draft)) await rename(draft, to);
  } finally {
    await rm(draft, { force: true });
  }
}

async function keyOf(compiler: string, { source, flags }: CompileJob): Promise<string> {
  const hash = createHash("sha256");
  const add = (text: string | Buffer): void => {
    hash.update(`${text.length} `).update(text);
  };
  add(await versionOf(compiler));
  for (const flag of flags) if (!flag.startsWith("-I")) add(flag);
  const folders = flags.filter((f) => f.startsWith("-I")).map((f) => f.slice(2));
  // A set grows while it is walked: what an added file includes is added too.
  const files = new Set([source]);
  for (const file of files) {
    const text = readFileSync(file);
    add(basename(file));
    add(text);
    for (const included of includesOf(file, text.toString("latin1"), folders)) files.add(included);
  }
  return hash.digest("hex");
}

/** Files that a text includes in quotation marks; those that are found nowhere belong to another configuration. */
function includesOf(file: string, text: string, folders: readonly string[]): string[] {
  const found: string[] = [];
  for (const [, name] of text.matchAll(/^[ \t]*#[ \t]*include[ \t]+"([^"]+)"/gm)) {
    for (const folder of [dirname(file), ...folders]) {
      const path = join(folder, name!);
      if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) {
        found.push(path);
        break;
      }
    }
  }
  return found;
}

const versions = new Map<string, Promise<string>>();

/** A compiler's name and version. */
function versionOf(compiler: string): Promise<string> {
  const known = versions.get(compiler);
  if (known !== undefined) return known;
  const asked = execa(compiler, ["--version"], { reject: false, stdin: "ignore" }).then(
    ({ stdout }) => `${compiler} ${stdout}`,
  );
  versions.set(compiler, asked);
  return asked;
}
