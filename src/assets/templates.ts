import { readFileSync } from "node:fs";
import Handlebars from "handlebars";
import { packageFile } from "./package-files.js";

/** Templates that others include with {{> name}}. */
const PARTIALS = [
  "library/arena",
  "library/call",
  "library/element",
  "library/inputs",
  "library/roll",
  "library/rows",
  "library/step",
  "library/take-arenas",
  "library/push",
  "library/reset",
  "library/run-samples",
  "library/samples",
  "library/traces",
  "packages/common/readme",
  "packages/common/main",
  "ci/setup",
];

/** The same for HTML. */
const HTML_PARTIALS = ["memory-map", "board", "stream", "curve", "tables"].map((name) => `report/${name}`);

type Renderer = (name: string, data: object) => string;

/** Partials are compiled as the first template that includes them, so that the two kinds share none. */
function renderer(partials: readonly string[], noEscape: boolean): Renderer {
  const handlebars = Handlebars.create();
  for (const name of partials) handlebars.registerPartial(name, source(name));
  const compiled = new Map<string, Handlebars.TemplateDelegate>();
  return (name, data) => {
    let template = compiled.get(name);
    if (template === undefined) {
      template = handlebars.compile(source(name), { noEscape, strict: true });
      compiled.set(name, template);
    }
    return template(data);
  };
}

/**
 * Renders `templates/<name>.hbs`. Text is not escaped: C is not HTML, and everything untrusted is made safe
 * before it gets here. A field that the data lacks is an error.
 */
export const render: Renderer = renderer(PARTIALS, true);

/** Renders a template of HTML or XML: text is escaped, in elements and in quoted attributes. */
export const renderHtml: Renderer = renderer(HTML_PARTIALS, false);

function source(name: string): string {
  return readFileSync(packageFile(`templates/${name}.hbs`), "utf8");
}
