import { CALL_BEGINS, CALL_ENDS } from './tool-prompt.ts'

/** What a model's text turns out to be. */
export type AnswerPart =
  | { type: 'text'; text: string }
  | { type: 'call'; index: number; name: string }
  | { type: 'arguments'; index: number; text: string }

/** Takes a model's text as it comes and tells calls of tools from what is meant to be read. */
export interface AnswerReader {
  take(text: string): AnswerPart[]
  /** What was held back, when no more comes. */
  end(): AnswerPart[]
}

/** Where no tools are: all is text. */
export class PlainReader implements AnswerReader {
  take(text: string): AnswerPart[] {
    return text === '' ? [] : [{ type: 'text', text }]
  }

  end(): AnswerPart[] {
    return []
  }
}

/** A call's JSON is held until it is whole; what is longer is no call. */
const MAX_CALL_CHARS = 262_144

/** Finds calls within `<tool_call>` tags; whatever is in such tags and is no call stays text. */
export class TaggedReader implements AnswerReader {
  readonly #names: ReadonlySet<string>
  #held = ''
  #calls = 0
  #isInside = false

  /** @param names of the tools there are */
  constructor(names: ReadonlySet<string>) {
    this.#names = names
  }

  take(text: string): AnswerPart[] {
    this.#held += text
    const parts: AnswerPart[] = []
    for (;;) {
      if (this.#isInside) {
        const end = this.#held.indexOf(CALL_ENDS)
        if (end < 0 && this.#held.length <= MAX_CALL_CHARS) return parts
        if (end < 0) {
          parts.push({ type: 'text', text: CALL_BEGINS + this.#held })
          this.#held = ''
          this.#isInside = false
          return parts
        }
        this.#call(this.#held.slice(0, end), parts)
        this.#held = this.#held.slice(end + CALL_ENDS.length)
        this.#isInside = false
        continue
      }
      const begin = this.#held.indexOf(CALL_BEGINS)
      if (begin >= 0) {
        this.#text(this.#held.slice(0, begin), parts)
        this.#held = this.#held.slice(begin + CALL_BEGINS.length)
        this.#isInside = true
        continue
      }
      const kept = beginningOf(CALL_BEGINS, this.#held)
      this.#text(this.#held.slice(0, this.#held.length - kept), parts)
      this.#held = this.#held.slice(this.#held.length - kept)
      return parts
    }
  }

  end(): AnswerPart[] {
    const parts: AnswerPart[] = []
    // Models end their turn without the closing tag now and then.
    if (this.#isInside) this.#call(this.#held, parts)
    else this.#text(this.#held, parts)
    this.#held = ''
    this.#isInside = false
    return parts
  }

  #text(text: string, parts: AnswerPart[]): void {
    // The line breaks around calls are the template's.
    const isBetween = this.#calls > 0 && text.trim() === ''
    if (text !== '' && !isBetween) parts.push({ type: 'text', text })
  }

  #call(inside: string, parts: AnswerPart[]): void {
    const call = callOf(inside)
    if (call === null || !this.#names.has(call.name)) {
      parts.push({ type: 'text', text: `${CALL_BEGINS}${inside}${CALL_ENDS}` })
      return
    }
    const index = this.#calls++
    parts.push({ type: 'call', index, name: call.name }, { type: 'arguments', index, text: call.arguments })
  }
}

/** The call that a JSON text is, or null. */
function callOf(text: string): { name: string; arguments: string } | null {
  try {
    const call: unknown = JSON.parse(text)
    if (typeof call !== 'object' || call === null) return null
    const { name, arguments: given = {} } = call as { name?: unknown; arguments?: unknown }
    if (typeof name !== 'string' || name === '') return null
    return { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) }
  } catch {
    return null
  }
}

/** Length of the longest end of `text` that `whole` begins with. */
function beginningOf(whole: string, text: string): number {
  for (let length = Math.min(whole.length - 1, text.length); length > 0; length--)
    if (text.endsWith(whole.slice(0, length))) return length
  return 0
}

const HEAD = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*/

/**
 * Reads an answer that a grammar holds to one call, `{"name": …, "arguments": {…}}`, and passes its arguments on as
 * they come.
 */
export class CallReader implements AnswerReader {
  #held = ''
  #hasName = false
  #depth = 0
  #isString = false
  #isEscaped = false
  #isDone = false

  take(text: string): AnswerPart[] {
    if (this.#isDone) return []
    this.#held += text
    const parts: AnswerPart[] = []
    if (!this.#hasName) {
      const head = HEAD.exec(this.#held)
      // Space behind the colon may still come.
      if (head === null || head[0].length === this.#held.length) return []
      parts.push({ type: 'call', index: 0, name: JSON.parse(head[1]!) as string })
      this.#held = this.#held.slice(head[0].length)
      this.#hasName = true
    }
    const end = this.#scan(this.#held)
    const given = this.#held.slice(0, end)
    if (given !== '') parts.push({ type: 'arguments', index: 0, text: given })
    this.#held = ''
    return parts
  }

  end(): AnswerPart[] {
    if (this.#hasName || this.#held === '') return []
    return [{ type: 'text', text: this.#held }]
  }

  /** @returns where the arguments end in `text`, or its length */
  #scan(text: string): number {
    for (let i = 0; i < text.length; i++) {
      const char = text[i]!
      if (this.#isEscaped) this.#isEscaped = false
      else if (this.#isString) {
        if (char === '\\') this.#isEscaped = true
        else if (char === '"') this.#isString = false
      } else if (char === '"') this.#isString = true
      else if (char === '{' || char === '[') this.#depth++
      else if (char === '}' || char === ']') {
        this.#depth--
        if (this.#depth <= 0) {
          this.#isDone = true
          // The brace of the whole call is not the arguments' own.
          return this.#depth < 0 ? i : i + 1
        }
      }
    }
    return text.length
  }
}
