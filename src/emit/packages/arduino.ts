/** Arduino's library specification, revision 2.2: everything that is compiled lies in `src/`. */
import { render } from "../../assets/templates.js";
import { fail } from "../../diagnostics/diagnostic.js";
import type { Package } from "./types.js";
import { licenceFile, packageView } from "./view.js";

export const arduino: Package = {
  files: (library, identity) => {
    refuseArduino("library", library.name, "--name");
    refuseArduino("maintainer", identity.vendor, "--package-vendor");
    const view = packageView(library, identity);
    return [
      ...view.tree.flatFiles,
      { path: "library.properties", content: render("packages/arduino/library.properties", view) },
      { path: "keywords.txt", content: render("packages/arduino/keywords.txt", view) },
      { path: "examples/RunModel/RunModel.ino", content: render("packages/arduino/RunModel.ino", view) },
      { path: "README.md", content: render("packages/arduino/README.md", view) },
      licenceFile(),
    ];
  },
};

/** Only Arduino's own libraries may have such names; arduino-lint checks it (LP012, LP027). */
function refuseArduino(what: string, name: string, option: string): void {
  if (!/^arduino/i.test(name)) return;
  throw fail("package/name", `the name of a ${what} for Arduino cannot start with "arduino"`, {
    remedy: `choose another with ${option}`,
  });
}
