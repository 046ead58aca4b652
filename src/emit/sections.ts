/** Sections of the constants: one for each layer, by which sources and linker scripts can place it. */

/** Constants that share a section. */
export interface WeightSection {
  /** `layer3` or `output_scale`: the section is `.rodata.<name>.<part>`. */
  readonly part: string;
  /** Macro by which the library's compilation can choose another section. */
  readonly macro: string;
  /** What linkers call it in errors. */
  readonly what: string;
}

/** `NET_WEIGHTS_SECTION_LAYER3`. */
export function sectionMacro(name: string, part: string): string {
  return `${name}_weights_section_${part}`.toUpperCase();
}

/** The sections of a library: layers in order, then what helpers of the output read. `layers` are all steps of the plan. */
export function weightSections(
  name: string,
  parts: ReadonlySet<string>,
  layers: readonly { readonly label: string }[],
): WeightSection[] {
  const ofLayers = layers
    .map(({ label }, i) => ({ part: `layer${i}`, what: `layer ${i} (${label})` }))
    .filter(({ part }) => parts.has(part));
  const others = [...parts].filter((part) => !part.startsWith("layer"));
  return [...ofLayers, ...others.map((part) => ({ part, what: `the output (${part})` }))].map((section) => ({
    ...section,
    macro: sectionMacro(name, section.part),
  }));
}
