import type { Engine, GenerateRequest, Generation, GenerationEvent } from '../../inference/engine.ts'

/**
 * How a provider cheats. `smaller`, `quantised`: another model answers under the name of the one asked for. `truncated`:
 * it ends early and says that the model did. `copied`: it sells its first answer again and again, and computes nothing.
 */
const CHEATS = ['smaller', 'truncated', 'copied', 'quantised'] as const
export type Cheat = (typeof CHEATS)[number]

/** The models that stand in, by the cheat that has them; they must be loaded. */
export const STAND_INS: Partial<Record<Cheat, string>> = {
  smaller: 'shoal-nano-q8_0',
  quantised: 'shoal-mini-q4_0',
}

const TRUNCATED_AFTER_TOKENS = 12
const COPIED_FROM_TOKENS = 16

/** Has an engine cheat from now on when it generates; it still scores as it should. */
export function tamperWith(engine: Engine, cheat: Cheat): void {
  const honest = engine.generate.bind(engine)
  const lies: Record<Cheat, Engine['generate']> = {
    smaller: (request, options) => honest({ ...request, model: standIn(engine, 'smaller') }, options),
    quantised: (request, options) => honest({ ...request, model: standIn(engine, 'quantised') }, options),
    truncated: (request, options) => {
      const maxTokens = Math.min(TRUNCATED_AFTER_TOKENS, request.maxTokens)
      return withEvents(honest({ ...request, maxTokens }, options), saysItStopped)
    },
    copied: copying(honest),
  }
  engine.generate = lies[cheat]
}

function standIn(engine: Engine, cheat: Cheat): string {
  const name = STAND_INS[cheat]!
  const found = engine.status().models.find(({ id }) => id.startsWith(`${name}@`))
  if (found === undefined) throw new Error(`${name} is not loaded`)
  return found.id
}

async function* saysItStopped(events: AsyncIterable<GenerationEvent>): AsyncGenerator<GenerationEvent> {
  for await (const event of events)
    yield event.type === 'end' && event.reason === 'length' ? { ...event, reason: 'stop' } : event
}

/** The first answer of some length is kept, and is everybody's from then on. */
function copying(honest: Engine['generate']): Engine['generate'] {
  let kept: GenerationEvent[] | null = null
  const keep = async function* (events: AsyncIterable<GenerationEvent>): AsyncGenerator<GenerationEvent> {
    const seen: GenerationEvent[] = []
    for await (const event of events) {
      if (event.type === 'output' || event.type === 'end') seen.push(event)
      // Nobody asks for more after the end.
      if (event.type === 'end' && event.outputTokens >= COPIED_FROM_TOKENS) kept ??= seen
      yield event
    }
  }
  return (request: GenerateRequest, options) => {
    if (kept === null) return withEvents(honest(request, options), keep)
    const copy = kept
    // The prompt is read, as far as it takes to say that it was: what comes after it was there before.
    return withEvents(honest({ ...request, maxTokens: 1 }, options), async function* (events) {
      let promptTokens = 0
      for await (const event of events) {
        if (event.type === 'start') promptTokens = event.promptTokens
        if (event.type === 'start' || event.type === 'prefill') yield event
      }
      for (const event of copy) yield event.type === 'end' ? { ...event, promptTokens } : event
    })
  }
}

function withEvents(
  inner: Generation,
  change: (events: AsyncIterable<GenerationEvent>) => AsyncGenerator<GenerationEvent>,
): Generation {
  return {
    grant: total => inner.grant(total),
    cancel: () => inner.cancel(),
    [Symbol.asyncIterator]: () => change(inner),
  }
}
