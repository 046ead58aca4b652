import { render } from "../../assets/templates.js";
import { fail } from "../../diagnostics/diagnostic.js";
import { cmakeText } from "./escape.js";
import type { Package } from "./types.js";
import { licenceFile, packageView } from "./view.js";

/** Lower-case targets that CMake makes or keeps for itself (policy CMP0037). */
const RESERVED = new Set(["all", "clean", "depend", "help", "install", "package", "preinstall", "test"]);

/** A static library for add_subdirectory, FetchContent or an installed CMake package. */
export const cmake: Package = {
  files: (library, identity) => {
    if (RESERVED.has(library.name)) {
      throw fail("package/name", `CMake has a target of its own called "${library.name}"`, {
        remedy: "choose another name with --name",
      });
    }
    const view = packageView(library, identity);
    const text = { ...view, description: cmakeText(view.description) };
    return [
      ...view.tree.files,
      { path: "CMakeLists.txt", content: render("packages/cmake/CMakeLists.txt", text) },
      { path: "README.md", content: render("packages/cmake/README.md", view) },
      licenceFile(),
    ];
  },
};
