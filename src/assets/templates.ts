import { readFileSync } from "node:fs";
import Handlebars from "handlebars";
import { packageFile } from "./package-files.js";

/** Templates that others include with {{> name}}. */
const PARTIALS = [
  "library/call",
  "library/element",
  "library/inputs",
  "library/roll",
  "library/rows",
  "library/step",
  "library/push",
  "library/traces",
  "packages/common/readme",
  "packages/common/main",
  "ci/setup",
];

const handlebars = Handlebars.create();
for (const name of PARTIALS) handlebars.registerPartial(name, source(name));

const compiled = new Map<string, Handlebars.TemplateDelegate>();

/**
 * Renders `templates/<name>.hbs`. Text is not escaped: C is not HTML, and everything untrusted is made safe
 * before it gets here. A field that the data lacks is an error.
 */
export function render(name: string, data: object): string {
  let template = compiled.get(name);
  if (template === undefined) {
    template = handlebars.compile(source(name), { noEscape: true, strict: true });
    compiled.set(name, template);
  }
  return template(data);
}

function source(name: string): string {
  return readFileSync(packageFile(`templates/${name}.hbs`), "utf8");
}
