/** Thrown for a node or tensor that cannot be imported; the importer collects it and goes on with the rest. */
export class Rejection extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** The remedy where no tool writes such a file on purpose. */
export const damaged = "the file is damaged: export the model again";
