import type { IpcGenerationEvent, IpcGenerationItem, IpcOutputEvent } from './ipc-messages.ts'

export interface EventBatcherModules {
  send: (items: IpcGenerationItem[]) => void
  nowMs: () => number
}

/**
 * Gathers the events of all generations into few messages. Whatever is not plain output, and each
 * generation's first output, leaves at the end of this turn of the event loop; further output leaves
 * at once when the last message is `intervalMs` ago (with many generations, `intervalPerGenerationMs` for each), else together when it will be, or as soon as one
 * generation has `maxTokens`. A slow stream so loses no time; many that run side by side share their
 * messages; and whoever pays for tokens as they come need not wait for more than `maxTokens` of them.
 */
export class EventBatcher {
  readonly #intervalMs: number
  readonly #intervalPerGenerationMs: number
  readonly #maxTokens: number
  readonly #send: (items: IpcGenerationItem[]) => void
  readonly #nowMs: () => number
  readonly #begun = new Set<number>()
  #items: IpcGenerationItem[] = []
  /** The last output of each generation in `#items`, where more can be joined on. */
  #outputs = new Map<number, IpcOutputEvent>()
  #sentMs = Number.NEGATIVE_INFINITY
  #immediate: NodeJS.Immediate | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(
    options: { intervalMs: number; intervalPerGenerationMs: number; maxTokens: number },
    modules: EventBatcherModules,
  ) {
    this.#intervalMs = options.intervalMs
    this.#intervalPerGenerationMs = options.intervalPerGenerationMs
    this.#maxTokens = options.maxTokens
    this.#send = modules.send
    this.#nowMs = modules.nowMs
  }

  add(generation: number, event: IpcGenerationEvent): void {
    if (event.type === 'output') {
      this.#addOutput(generation, event)
      return
    }
    if (event.type === 'end' || event.type === 'failed') this.#begun.delete(generation)
    this.#outputs.delete(generation)
    this.#items.push({ generation, event })
    this.#flushSoon()
  }

  #addOutput(generation: number, event: IpcOutputEvent): void {
    const last = this.#outputs.get(generation)
    if (last === undefined) {
      this.#outputs.set(generation, event)
      this.#items.push({ generation, event })
    } else {
      last.tokens.push(...event.tokens)
      last.text += event.text
      if (event.logprobs !== undefined) last.logprobs?.push(...event.logprobs)
    }
    const waitMs = this.#sentMs + this.#interval() - this.#nowMs()
    const isFirst = !this.#begun.has(generation)
    if (isFirst) this.#begun.add(generation)
    const isFull = (last?.tokens.length ?? event.tokens.length) >= this.#maxTokens
    if (isFirst || isFull || waitMs <= 0) this.#flushSoon()
    else this.#timer ??= setTimeout(() => this.#flush(), waitMs)
  }

  /** What frames cost is taken from the processor that computes: the more streams, the longer each waits. */
  #interval(): number {
    return Math.max(this.#intervalMs, this.#begun.size * this.#intervalPerGenerationMs)
  }

  #flushSoon(): void {
    this.#immediate ??= setImmediate(() => this.#flush())
  }

  #flush(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#immediate = null
    this.#timer = null
    const items = this.#items
    this.#items = []
    this.#outputs = new Map()
    this.#sentMs = this.#nowMs()
    this.#send(items)
  }
}
