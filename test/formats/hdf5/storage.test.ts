/** Datasets in chunks, packed and not, as h5py writes them (fixtures/generate/hdf5_storage.py). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FileBytes } from "../../../src/formats/hdf5/bytes.js";
import { openHdf5 } from "../../../src/formats/hdf5/file.js";
import { unpackChunk } from "../../../src/formats/hdf5/filters.js";
import { readModel } from "../../../src/formats/index.js";
import { printGraph } from "../../../src/graph/print.js";
import { repoRoot } from "../../support/root.js";

const read = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(join(repoRoot, "test/fixtures", name)));

describe.each(["earliest", "v110", "latest", "special", "pages"])("%s.h5", (name) => {
  const root = openHdf5(read(`hdf5/${name}.h5`));
  const plain = root.find("plain")!.read();
  const ways = root.find("ways")!;

  test.each(ways.names)("%s holds what the dataset in one piece holds", (way) => {
    expect(new Set(plain.data).size).toBeGreaterThan(20);
    expect(ways.find(way)!.read()).toEqual(plain);
  });
});

test.each<[string, string, RegExp]>([
  ["latest", "others/growing", /chunks whose index is not read.*/],
  ["latest", "others/scaled", /packed with scale and offset/],
  ["earliest", "others/scaled", /packed with scale and offset/],
  ["special", "others/partly", /has 2 of its chunks only/],
  ["special", "others/never", /has 0 of its chunks only/],
])("%s.h5: refuses %s", (name, path, message) => {
  const dataset = openHdf5(read(`hdf5/${name}.h5`)).find(path)!;
  expect(() => dataset.read()).toThrow(message);
});

test("attributes in a heap are refused, not overlooked", () => {
  expect(() => openHdf5(read("hdf5/attributes.h5")).text("text3")).toThrow(/attributes in a fractal heap/);
  expect(openHdf5(read("hdf5/latest.h5")).text("text3")).toBeUndefined();
});

test("the old tree holds chunks of datasets that grow", () => {
  const root = openHdf5(read("hdf5/earliest.h5"));
  expect(root.find("others/growing")!.read()).toEqual(root.find("plain")!.read());
});

test("a model that was written again with compression is the same model", () => {
  const texts = ["keras/qkeras_trained.h5", "hdf5/compressed.h5"].map((file) =>
    printGraph(readModel(read(file), file)),
  );
  expect(texts[0]).toBe(texts[1]);
});

test("the files have what they are there for", () => {
  const layouts = (file: string): readonly boolean[] => {
    const text = Buffer.from(read(`hdf5/${file}.h5`)).toString("latin1");
    // The old tree of chunks, the newer list, and layouts of versions 3, 4 and 5 in chunks.
    return ["TREE\u0001", "FAHD", "\u0003\u0002\u0004", "\u0004\u0002", "\u0005\u0002"].map((t) =>
      text.includes(t),
    );
  };
  expect(layouts("earliest").slice(0, 3)).toEqual([true, false, true]);
  expect(layouts("v110").slice(0, 4)).toEqual([false, true, false, true]);
  expect(layouts("latest")).toEqual([false, true, false, true, true]);
  expect(layouts("pages")[1]).toBe(true);
});

describe("small files cannot ask for much:", () => {
  const deflate = { id: 1, values: [] };
  test("a chunk that unpacks to more than its size", () => {
    const bomb = deflateSync(new Uint8Array(5e7));
    expect(() => unpackChunk(bomb, [deflate], 0, 1000)).toThrow(/damaged or cut off/);
    // LZF: one byte, and copies of it.
    const copies = Uint8Array.from([0, 7, ...Array.from({ length: 3000 }, () => [0xe0, 0xff, 0]).flat()]);
    const lzf = { id: 32000, values: [] };
    expect(() => unpackChunk(copies, [lzf], 0, 1000)).toThrow(/damaged or cut off/);
    expect(unpackChunk(copies.subarray(0, 5), [lzf], 0, 265)).toEqual(new Uint8Array(265).fill(7));
  });

  test("a copy of what stands in front of everything", () =>
    expect(() => unpackChunk(Uint8Array.of(0x20, 5), [{ id: 32000, values: [] }], 0, 100)).toThrow(
      /damaged/,
    ));

  test("chunks that are large", () => {
    const bytes = read("hdf5/earliest.h5");
    // The layout: version, class, number of sizes, address of the tree, and sizes, of which the first grows.
    const at = [...bytes.keys()].filter((i) => bytes[i] === 3 && bytes[i + 1] === 2 && bytes[i + 2] === 4);
    for (const i of at) new DataView(bytes.buffer).setUint32(i + 11, 2 ** 20, true);
    for (const way of ["chunks", "gzip"])
      expect(() => openHdf5(bytes).find(`ways/${way}`)!.read()).toThrow(/unpack to more than 67108864 bytes/);
  });

  test("all chunks together", () => {
    const file = new FileBytes(new Uint8Array(8), 8, 8);
    for (let i = 0; i < 4; i++) file.unpack(2 ** 24);
    expect(() => file.unpack(1)).toThrow(/unpack to more than 67108864 bytes/);
  });
});

describe("damaged chunks are refused:", () => {
  const original = read("hdf5/earliest.h5");
  const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  /** Places of nodes of trees of chunks. */
  const trees = [...original.keys()].filter(
    (at) => Buffer.from(original.subarray(at, at + 5)).toString("latin1") === "TREE\u0001",
  );
  const nodeOf = (way: string): number => {
    // The node that the dataset reads is the one without which it cannot be read.
    const found = trees.find((at) => {
      const bytes = original.slice();
      bytes[at] = 0;
      try {
        openHdf5(bytes).find(`ways/${way}`)!.read();
        return false;
      } catch {
        return true;
      }
    });
    return found!;
  };
  const problem = (way: string, change: (view: DataView, node: number) => void): unknown => {
    const bytes = original.slice();
    change(view(bytes), nodeOf(way));
    try {
      return openHdf5(bytes).find(`ways/${way}`)!.read();
    } catch (error) {
      return error instanceof Error ? error.message : error;
    }
  };
  const [packed, mask, offset, child] = [24, 28, 32, 64];

  test.each<[string, string, (view: DataView, node: number) => void, RegExp]>([
    [
      "a packed size beyond the file",
      "gzip",
      (v, at) => v.setUint32(at + packed, 2 ** 31, true),
      /outside the file/,
    ],
    [
      "a packed size that cuts off",
      "gzip",
      (v, at) => v.setUint32(at + packed, 20, true),
      /damaged or cut off/,
    ],
    [
      "a checksum that does not hold",
      "checked",
      (v, at) => {
        const start = Number(v.getBigUint64(at + child, true));
        v.setUint8(start, v.getUint8(start) ^ 1);
      },
      /damaged or cut off/,
    ],
    ["a filter that was left out", "gzip", (v, at) => v.setUint32(at + mask, 1, true), /damaged or cut off/],
    [
      "a chunk outside",
      "chunks",
      (v, at) => v.setBigUint64(at + offset, 4000n, true),
      /lies outside the dataset/,
    ],
    [
      "a chunk between others",
      "chunks",
      (v, at) => v.setBigUint64(at + offset, 1n, true),
      /lies outside the dataset/,
    ],
    ["a chunk twice", "chunks", (v, at) => v.setBigUint64(at + offset, 4n, true), /has 5 of its chunks only/],
    [
      "a tree that is its own child",
      "chunks",
      (v, at) => {
        v.setUint8(at + 5, 1);
        v.setBigUint64(at + child, BigInt(at), true);
      },
      /too deep/,
    ],
    ["a tree of links", "chunks", (v, at) => v.setUint8(at + 4, 0), /holds no chunks/],
  ])("%s", (_, way, change, message) => expect(problem(way, change)).toMatch(message));
});
