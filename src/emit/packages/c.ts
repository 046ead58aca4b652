import type { Package } from "./types.js";

/** Sources, headers and a Makefile in one folder. */
export const c: Package = {
  files: ({ files }) => files.map(({ path, text }) => ({ path, content: text })),
};
