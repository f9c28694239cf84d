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

/** Problems named in the message; a file that is no template at all may have thousands. */
const MAX_SHOWN = 25;

export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly problems: readonly Problem[];

  /** @param file shown in front of each line of the message */
  constructor(file: string, problems: readonly Problem[], options?: ErrorOptions) {
    const lines = problems.map(
      ({ message, at }) => `${file}${at ? `:${at.line}:${at.column}` : ''}: ${message}`,
    );
    const shown = lines.slice(0, MAX_SHOWN);
    if (lines.length > MAX_SHOWN) shown.push(`${file}: ${lines.length - MAX_SHOWN} more problems`);
    super(shown.join('\n'), options);
    this.problems = problems;
  }
}
