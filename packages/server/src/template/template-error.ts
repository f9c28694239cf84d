/** What is wrong with a template, with the place: every problem found, not only the first. */

/** One-based, as editors count. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  readonly message: string;
  readonly at?: Place;
}

export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly problems: readonly Problem[];

  /** @param file shown in front of each line of the message */
  constructor(file: string, problems: readonly Problem[], options?: ErrorOptions) {
    super(
      problems
        .map(({ message, at }) => `${file}${at ? `:${at.line}:${at.column}` : ''}: ${message}`)
        .join('\n'),
      options,
    );
    this.problems = problems;
  }
}
