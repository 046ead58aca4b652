/** A Zephyr module: `zephyr/module.yml` names its CMake and Kconfig files. */
import { render } from "../../assets/templates.js";
import type { Package } from "./types.js";
import { licenceFile, packageView } from "./view.js";

export const zephyr: Package = {
  files: (library, identity) => {
    const view = packageView(library, identity);
    const page = (path: string, data: object = view) => ({
      path,
      content: render(`packages/zephyr/${path}`, data),
    });
    return [
      ...view.tree.files,
      page("zephyr/module.yml"),
      page("zephyr/CMakeLists.txt", {
        ...view,
        runtimeSources: view.tree.sources.filter(
          (s) => !s.startsWith(`${library.name}.`) && s !== `${library.name}_weights.c`,
        ),
      }),
      page("zephyr/Kconfig"),
      page("samples/run_model/CMakeLists.txt"),
      page("samples/run_model/prj.conf"),
      page("samples/run_model/sample.yaml"),
      page("samples/run_model/src/main.c"),
      page("README.md"),
      licenceFile(),
    ];
  },
};
