import type { Engine } from '../../../inference/engine.ts'
import { isNamed } from '../../market/model-names.ts'
import type { ShoalNode } from '../../node.ts'
import { promptTokensExpected } from '../../tasks/demand.ts'
import { GatewayError } from '../http/http-error.ts'
import type { CanonicalMessage, CanonicalRequest } from './canonical-request.ts'
import { wireMessages } from './tool-prompt.ts'

/** A conversation whose prompt is to be counted. */
export type CountedPrompt = Pick<CanonicalRequest, 'model' | 'tools' | 'toolChoice'> & {
  input: { kind: 'chat'; messages: readonly CanonicalMessage[] }
}

/** A template adds about so many to a message. */
const TEMPLATE_TOKENS = 4

/**
 * Tokens of a conversation as a model reads it, tools and template included: exactly where the own engine runs the model, else
 * estimated. Nothing is computed.
 * @throws {GatewayError} REQUEST_INVALID without messages
 */
export async function countPromptTokens(
  { model, input, tools, toolChoice }: CountedPrompt,
  modules: { node: ShoalNode; signal: AbortSignal },
): Promise<{ tokens: number; isEstimate: boolean }> {
  const messages = wireMessages(input.messages, tools, toolChoice)
  if (messages.length === 0)
    throw new GatewayError('REQUEST_INVALID', 'there are no messages', { param: 'messages' })
  const { engine, index } = modules.node.parts
  const meant = new Set<string>(index.match({ model, kind: 'chat' }).map(bucket => bucket.model))
  // What is offered to others need not be open to own tasks; it is counted by all the same.
  const isMeant = (id: string) => meant.has(id) || (model !== null && isNamed(model, id))
  const own = engine.status().models.find(({ id }) => isMeant(id))
  if (own !== undefined) {
    const tokens = await countedBy(engine, own.id, messages, modules.signal)
    if (tokens !== null) return { tokens, isEstimate: false }
  }
  const estimate = promptTokensExpected({ kind: 'chat', messages })
  return { tokens: estimate + TEMPLATE_TOKENS * messages.length, isEstimate: true }
}

/** Null where the engine cannot say. */
async function countedBy(
  engine: Pick<Engine, 'generate'>,
  model: string,
  messages: { role: 'system' | 'user' | 'assistant'; content: string }[],
  signal: AbortSignal,
): Promise<number | null> {
  const generation = engine.generate(
    {
      ...{ model, input: { kind: 'chat', messages }, maxTokens: 1, stop: [] },
      sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, seed: `0x${'0'.repeat(64)}` },
    },
    { grantedTokens: 0, signal },
  )
  try {
    for await (const event of generation) if (event.type === 'start') return event.promptTokens
    return null
  } catch {
    return null
  }
}
