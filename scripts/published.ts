/** `npm run published`: measures nets of published size, or those whose names begin with the arguments, for docs/METHODS.md. */
import { armGccVersion } from "../src/toolchain/compiler.js";
import { publishedNets } from "../test/methods/published/nets.js";
import { build } from "../test/support/published/build.js";
import {
  measure,
  type PublishedFigures,
  readPublished,
  writePublished,
} from "../test/support/published/figures.js";

const PATIENCE_MS = 1_800_000;
const prefixes = process.argv.slice(2);

for (const [name, { draft }] of Object.entries(publishedNets)) {
  if (prefixes.length > 0 && !prefixes.some((prefix) => name.startsWith(prefix))) continue;
  console.log(name);
  const figures = await measure(build(draft()), PATIENCE_MS);
  const nets = { ...readPublished().nets, [name]: figures };
  const inOrder = Object.keys(publishedNets).flatMap((key): [string, PublishedFigures][] => {
    const known = nets[key];
    return known === undefined ? [] : [[key, known]];
  });
  writePublished({ compiler: await armGccVersion(), nets: Object.fromEntries(inOrder) });
}
