/** The list of methods is whole, and tells what it took from memory. */
import { expect, it } from "vitest";
import { methods } from "./methods.js";

const systems = methods.flatMap((method) => method.systems);

/** All numbers of the list of systems; 23 is a way of training that leaves no arithmetic of its own. */
const listed = [...Array.from({ length: 44 }, (_, i) => `${i + 1}`).filter((n) => n !== "23"), "36a", "36b"];

/** Methods that the list does not have. */
const others = ["45", "46", "47", "48", "49"];

/** Systems of which some arithmetic was read in no official code. */
const unsettled = "1 4 7 9 10 11 13 14 17 21 24 25 26 27 29 32 33 35 36 36b 37 39 40 42 43 44 48 49".split(
  " ",
);

it("has a row for every number", () => {
  expect(new Set(systems.map(({ number }) => number))).toEqual(new Set([...listed, ...others]));
});

it("states the reading wherever no official code settles it", () => {
  const read = systems.filter(({ reading }) => reading !== undefined).map(({ number }) => number);
  expect(new Set(read)).toEqual(new Set(unsettled));
});

it("names a paper for each, by its arXiv number where it has one", () => {
  for (const { name, paper } of systems)
    expect(paper, name).toMatch(/^[A-Z].* (et al\.|and \S+) 20\d\d, (arXiv:\d{4}\.\d{5}|CVPR|IJCNN)$/);
});

it("has a test and nets of its own for each method", () => {
  const nets = methods.flatMap((method) => method.nets.map(({ name }) => name));
  expect(new Set(nets).size).toBe(nets.length);
  const tests = methods.map(({ test }) => test);
  expect(tests).toEqual([...new Set(tests)].sort());
});
