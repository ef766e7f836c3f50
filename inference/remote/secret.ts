import { inspect } from 'node:util'

const SHOWN = '[redacted]'
/** What a header may carry without being quoted or refused. */
const PRINTABLE = /^[\x21-\x7e]{1,4096}$/

/** A key that shows itself to nobody but who asks for it by `reveal`: not in logs, JSON, errors or inspections. */
export class Secret {
  readonly #value: string

  /**
   * @param value surrounding white space does not count
   * @throws {RangeError} when it could not be sent in a header; the message does not have it
   */
  constructor(value: string) {
    const trimmed = value.trim()
    if (!PRINTABLE.test(trimmed)) throw new RangeError('not a key: expected one line of visible characters')
    this.#value = trimmed
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return SHOWN
  }

  toJSON(): string {
    return SHOWN
  }

  [inspect.custom](): string {
    return SHOWN
  }
}
