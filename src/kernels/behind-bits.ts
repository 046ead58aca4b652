/**
 * Whether a run of a pixel's bits that is written with other bits around it may be written over the words that it is read
 * from, where the output is as `KernelChoice.inPlace` says: no smaller, and ending where the input ends.
 *
 * @param before Bits in front of the run.
 * @param bits Bits of the run, from bit 0 of its words.
 * @param all Bits of a plane of the output's pixel.
 */
export function staysBehindBits(before: number, bits: number, all: number): boolean {
  // Of the last pixel the input's first word lies `more` words above the output's.
  const more = Math.ceil(all / 32) - Math.ceil(bits / 32);
  // Runs that begin at a word are moved word by word. Of others each word is read twice: for the output's word
  // `before / 32`, and, when that is written, for the one behind it.
  return before % 32 === 0 || Math.floor(before / 32) < more;
}
