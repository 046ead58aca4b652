export * from "./library.js";
export { checkedName, nameFrom } from "./names.js";
export * from "./packages/index.js";
