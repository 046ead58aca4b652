export * from "./canonical.js";
export * from "./crc32.js";
export * from "./geometry.js";
export * from "./order.js";
export * from "./print.js";
export * from "./ranges.js";
export * from "./types.js";
export * from "./verify.js";
