export * from "./library.js";
export { checkedName, nameFrom } from "./names.js";
export { packageFile, render } from "./templates.js";
