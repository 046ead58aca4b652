/** A CMSIS-Pack: the description `<vendor>.<name>.pdsc`, its files, and all of them in one `.pack` archive. */
import { render } from "../../assets/templates.js";
import { crc32 } from "../../program/index.js";
import { xmlText } from "./escape.js";
import type { Package } from "./types.js";
import { licenceFile, packageView } from "./view.js";
import { storedZip } from "./zip.js";

/** Longest name of a component's sub-group in the schema of pack descriptions. */
const LONGEST_SUB = 32;

export const cmsisPack: Package = {
  files: (library, identity) => {
    const view = packageView(library, identity);
    const { vendor, version } = identity;
    const text = {
      ...view,
      description: xmlText(view.description),
      component: componentName(library.name),
      cSources: view.tree.sources.filter((s) => s.endsWith(".c")),
      assemblySources: view.tree.sources.filter((s) => s.endsWith(".S")),
    };
    const title = `${vendor}.${library.name}`;
    const files = [
      ...view.tree.files,
      { path: `${title}.pdsc`, content: render("packages/cmsis-pack/package.pdsc", text) },
      { path: "README.md", content: render("packages/cmsis-pack/README.md", { ...text, title }) },
      licenceFile(),
    ];
    return [...files, { path: `${title}.${version}.pack`, content: storedZip(files) }];
  },
};

/** A name that is too long ends in a checksum of the whole, so that two of them stay apart. */
function componentName(name: string): string {
  if (name.length <= LONGEST_SUB) return name;
  const sum = crc32(new TextEncoder().encode(name)).toString(16).padStart(8, "0");
  return `${name.slice(0, LONGEST_SUB - 9)}_${sum}`;
}
