/** Hands out names that are unique, in linear time however often a file repeats one. */
export class UniqueNames {
  readonly #used = new Set<string>();
  readonly #next = new Map<string, number>();

  /** `wanted`, or with a number behind it where that is taken. */
  fresh(wanted: string): string {
    let name = wanted;
    let count = this.#next.get(wanted) ?? 1;
    while (this.#used.has(name)) name = `${wanted}#${count++}`;
    this.#next.set(wanted, count);
    this.#used.add(name);
    return name;
  }

  /** Takes names out of circulation. */
  reserve(names: Iterable<string>): void {
    for (const name of names) this.#used.add(name);
  }
}
