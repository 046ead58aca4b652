/** What an order of execution decides: which results are kept while others are made. */

/** Work that is done at once. Units are numbered; each is given after those that it reads. */
export interface Unit {
  /** Bytes of its result, kept until the last reader is done; 0 where they are the caller's. */
  readonly bytes: number;
  /** Bytes beside the results that are needed while it is done. */
  readonly working: number;
  /** Units whose results it reads, each once. */
  readonly inputs: readonly number[];
}

/** Units with what follows from them. */
export interface Work {
  readonly units: readonly Unit[];
  readonly readers: readonly (readonly number[])[];
}

export function workOf(units: readonly Unit[]): Work {
  const readers: number[][] = units.map(() => []);
  units.forEach(({ inputs }, i) => {
    for (const input of inputs) readers[input]!.push(i);
  });
  return { units, readers };
}

/** How far an execution has come. */
export interface Progress {
  /** 1 for each unit that is done. */
  readonly done: Uint8Array;
  /** Bytes that are kept for units that are not done. */
  readonly live: number;
  /** Most bytes so far. */
  readonly peak: number;
}

export function isReady({ units }: Work, { done }: Progress, unit: number): boolean {
  return done[unit] === 0 && units[unit]!.inputs.every((i) => done[i] === 1);
}

/** Bytes while a unit that is ready is done, and after it. */
export function bytesOf({ units, readers }: Work, { done, live }: Progress, unit: number) {
  const { bytes, working, inputs } = units[unit]!;
  const during = live + bytes + working;
  let after = live + (readers[unit]!.length > 0 ? bytes : 0);
  for (const i of inputs) {
    if (readers[i]!.every((r) => r === unit || done[r] === 1)) after -= units[i]!.bytes;
  }
  return { during, after };
}

/** Does a unit that is ready. */
export function advance(work: Work, progress: Progress, unit: number): Progress {
  const { during, after } = bytesOf(work, progress, unit);
  const done = progress.done.slice();
  done[unit] = 1;
  return { done, live: after, peak: Math.max(progress.peak, during) };
}

/** Most bytes at any time of an order. */
export function peakOf(work: Work, order: readonly number[]): number {
  return order.reduce((progress, unit) => advance(work, progress, unit), startOf(work)).peak;
}

export function startOf({ units }: Work): Progress {
  return { done: new Uint8Array(units.length), live: 0, peak: 0 };
}
