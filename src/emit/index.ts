export * from "./library.js";
export { checkedName, nameFrom } from "./names.js";
export * from "./packages/index.js";
export { type StackOfBuild, stackHeader, stackHeaderName, stackPath } from "./stack-header.js";
