/** Thrown for a node or tensor that cannot be imported; the importer collects it and goes on with the rest. */
export class Rejection extends Error {
  readonly remedy: string;
  /** Where the problem lies, if it is not the node that met it. */
  readonly where: string | undefined;
  constructor(message: string, remedy: string, where?: string) {
    super(message);
    this.remedy = remedy;
    this.where = where;
  }
}

/** The remedy where no tool writes such a file on purpose. */
export const damaged = "the file is damaged: export the model again";

/** A list of numbers from the file for messages: long ones are cut. */
export function listText(numbers: readonly number[], separator = ", "): string {
  const shown = numbers.slice(0, 8).join(separator);
  return numbers.length <= 8 ? shown : `${shown} and ${numbers.length - 8} more`;
}
