/** Fields an error carries for programs; values must survive JSON (bigints as decimal strings). */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>

export interface ShoalErrorOptions {
  /** One imperative sentence that tells the reader how to get going again. */
  fix?: string
  details?: ErrorDetails
  cause?: unknown
}

/**
 * An expected failure: something a person or a peer did, or that the machine lacks.
 *
 * Each room narrows `Code` to its own closed union, so that a `switch` on `code` is exhaustive.
 * Whoever shows it prints the code, the message and the fix and no stack; any other error is a
 * defect of ours and prints its stack.
 */
export class ShoalError<Code extends string = string> extends Error {
  override readonly name: string = 'ShoalError'
  /** Stable, SCREAMING_SNAKE_CASE; part of the public interface. */
  readonly code: Code
  readonly fix: string | undefined
  readonly details: ErrorDetails

  constructor(code: Code, message: string, options: ShoalErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.fix = options.fix
    this.details = options.details ?? {}
  }

  toJSON(): { code: Code; message: string; fix?: string; details: ErrorDetails } {
    return {
      code: this.code,
      message: this.message,
      ...(this.fix === undefined ? {} : { fix: this.fix }),
      details: this.details,
    }
  }
}

/** Narrows an unknown thrown value to a `ShoalError`, optionally with one of the given codes. */
export function isShoalError<Code extends string>(
  error: unknown,
  ...codes: readonly Code[]
): error is ShoalError<Code> {
  return error instanceof ShoalError && (codes.length === 0 || codes.includes(error.code as Code))
}
