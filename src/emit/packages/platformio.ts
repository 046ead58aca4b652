import { render } from "../../assets/templates.js";
import type { Package } from "./types.js";
import { licenceFile, packageView } from "./view.js";

/** A PlatformIO library: `library.json`, sources, and a project that runs it on the host. */
export const platformio: Package = {
  files: (library, identity) => {
    const view = packageView(library, identity);
    const manifest = { ...view, descriptionText: JSON.stringify(view.description) };
    const page = (path: string, data: object = view) => ({
      path,
      content: render(`packages/platformio/${path}`, data),
    });
    return [
      ...view.tree.files,
      page("library.json", manifest),
      page("examples/run_model/platformio.ini"),
      page("examples/run_model/src/main.c"),
      page("README.md"),
      licenceFile(),
    ];
  },
};
