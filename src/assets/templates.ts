import { readFileSync } from "node:fs";
import Handlebars from "handlebars";
import { packageFile } from "./package-files.js";

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
