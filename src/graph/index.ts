export * from "./print.js";
export * from "./types.js";
export * from "./verify.js";
