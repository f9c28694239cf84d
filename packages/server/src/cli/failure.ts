/** Why a command did not do what was asked; its exit code tells scripts which kind it was. */

export const EXIT = {
  /** The command ran, and what it was asked about is not so: books do not balance, function failed, not found. */
  failed: 1,
  /** Wrong flag, argument or file. */
  usage: 2,
  /** No server answers at the endpoint. */
  unreachable: 3,
} as const;

export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
