/** What one model's context may take. */
export interface ContextPlan {
  /** Tokens one sequence can hold. */
  contextTokens: number
  slots: number
}

export interface ContextNeeds {
  /** What the model was trained on. */
  trainContextTokens: number
  /** The most that is wanted. */
  maxContextTokens: number
  slots: number
}

/** Below this a context is of no use. */
export const MIN_CONTEXT_TOKENS = 256
/** Until here slots are given up rather than context. */
const COMFORTABLE_CONTEXT_TOKENS = 4_096
const COMFORTABLE_SLOTS = 2

/**
 * The plans to try for a model, the best first: full context and slots, then ever less of either, so
 * that a machine with little memory still runs it. Slots go first down to two, then context down to
 * 4,096 tokens, then the second slot, then context again.
 */
export function* contextPlans(needs: ContextNeeds): Generator<ContextPlan> {
  let contextTokens = Math.min(needs.trainContextTokens, needs.maxContextTokens)
  let slots = needs.slots
  const comfortable = Math.min(contextTokens, COMFORTABLE_CONTEXT_TOKENS)
  while (true) {
    yield { contextTokens, slots }
    if (slots > COMFORTABLE_SLOTS) slots = Math.max(COMFORTABLE_SLOTS, slots >> 1)
    else if (contextTokens > comfortable) contextTokens = Math.max(comfortable, contextTokens >> 1)
    else if (slots > 1) slots = 1
    else if (contextTokens >= 2 * MIN_CONTEXT_TOKENS) contextTokens >>= 1
    else return
  }
}

/**
 * Slots for a model when none are asked for. On a CPU several sequences at once raise the total most
 * for small models, whose cost per batch outweighs that per token; a GPU gains at every size.
 */
export function defaultSlots(parameterCount: number, isGpu: boolean): number {
  return isGpu || parameterCount < 200_000_000 ? 8 : 4
}
