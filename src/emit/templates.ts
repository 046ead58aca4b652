import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";

/** The package's own folder, from `src/emit` as well as from `dist/emit`. */
const packageRoot = new URL("../../", import.meta.url);

/** Absolute path of a file that ships with the package, e.g. `runtime-c/bitloom_runtime.h`. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(path, packageRoot));
}

const compiled = new Map<string, Handlebars.TemplateDelegate>();

/**
 * Renders `templates/<name>.hbs`. Text is not escaped: C is not HTML, and everything untrusted is made safe
 * before it gets here. A field that the data lacks is an error.
 */
export function render(name: string, data: object): string {
  let template = compiled.get(name);
  if (template === undefined) {
    const source = readFileSync(packageFile(`templates/${name}.hbs`), "utf8");
    template = Handlebars.compile(source, { noEscape: true, strict: true });
    compiled.set(name, template);
  }
  return template(data);
}
