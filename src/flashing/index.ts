/** Tools that write images to boards. */
export { chooseTool, type InstalledFlasher, isUsable, probeFlashers, versionOf } from "./choose.js";
export { type DryRun, dryRun, dryRunLines, type FlashOptions, flashImage } from "./flash.js";
export { type CheckedImage, readImage } from "./image.js";
export { openOcdParsing } from "./openocd.js";
export { commandText } from "./quote.js";
export { flasherOf } from "./registry.js";
export { uf2Blocks } from "./uf2.js";
