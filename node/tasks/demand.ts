import { utf8Length } from '../../protocol/codec.ts'
import type { TaskId } from '../../protocol/ids.ts'
import type { TaskInput } from '../../protocol/messages/task-request.ts'
import type { Demand, ProviderId } from '../market/routing/candidate.ts'
import { taskClassOf } from '../market/routing/learning/task-class.ts'
import { prefixesOf } from '../market/routing/prefix-affinity.ts'
import type { AskOptions } from './ask.ts'

/** Tokens a chat template adds to each message, at the most we believe. */
const TEMPLATE_TOKENS = 64
/** Of English and code, on average over the vocabularies in use. */
const BYTES_PER_TOKEN = 4

/**
 * What a task wants from the market.
 * @param ask with a task's id its decisions are logged under that
 * @param state providers that have been tried, and what is left of the price cap, base units
 */
export function demandOf(
  ask: AskOptions & { taskId?: TaskId },
  state: { excluded: ReadonlySet<ProviderId>; maxPrice: bigint | null },
): Demand {
  const expected = promptTokensExpected(ask.input)
  return {
    ...(ask.taskId === undefined ? {} : { taskId: ask.taskId }),
    model: ask.model,
    kind: ask.input.kind,
    promptTokensBound: promptTokensBound(ask.input),
    promptTokensExpected: expected,
    ...(ask.input.kind === 'embedding' ? { contextTokensBound: longestBound(ask.input.inputs) } : {}),
    maxTokens: ask.maxTokens,
    maxPrice: state.maxPrice,
    preferences: ask.preferences,
    taskClass: ask.taskClass ?? classOf(ask, expected),
    prefixes: prefixesOf(ask.input),
    ...(ask.preferred === undefined
      ? {}
      : { preferred: { provider: ask.preferred.provider, model: ask.preferred.model.model } }),
    excluded: state.excluded,
  }
}

function classOf({ input, jsonSchema }: AskOptions, promptTokens: number): string {
  const text = textsOf(input).at(-1) ?? ''
  return taskClassOf({ kind: input.kind, text, promptTokens, hasJsonSchema: jsonSchema !== null })
}

/** What a prompt can have at most: every token holds at least a byte of text, and templates add a few. */
export function promptTokensBound(input: TaskInput): number {
  return textsOf(input).reduce((sum, text) => sum + utf8Length(text) + TEMPLATE_TOKENS, TEMPLATE_TOKENS)
}

/** What a prompt will have by our estimate. */
export function promptTokensExpected(input: TaskInput): number {
  return Math.ceil(textsOf(input).reduce((sum, text) => sum + utf8Length(text), 0) / BYTES_PER_TOKEN)
}

/** What one of the texts can have at most: each is read by itself. */
function longestBound(texts: readonly string[]): number {
  return TEMPLATE_TOKENS + texts.reduce((longest, text) => Math.max(longest, utf8Length(text)), 0)
}

function textsOf(input: TaskInput): string[] {
  if (input.kind === 'embedding') return input.inputs
  return input.kind === 'chat' ? input.messages.map(({ content }) => content) : [input.prompt]
}
