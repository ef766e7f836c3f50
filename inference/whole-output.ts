import type { Bytes32 } from '../protocol/ids.ts'
import type { Generation, StopReason } from './engine.ts'

/** What a generation made, from its start to its end. */
export interface WholeOutput {
  tokens: number[]
  text: string
  reason: StopReason
  promptTokens: number
  /** `tokensDigest` of the prompt; null where it is not known. */
  promptDigest: Bytes32 | null
}

/**
 * Waits for all that a generation makes.
 * @throws {EngineError} of the generation
 */
export async function wholeOutput(generation: Generation): Promise<WholeOutput> {
  const made: WholeOutput = { tokens: [], text: '', reason: 'length', promptTokens: 0, promptDigest: null }
  for await (const event of generation) {
    if (event.type === 'start') {
      made.promptTokens = event.promptTokens
      made.promptDigest = event.promptDigest
    } else if (event.type === 'output') {
      made.tokens.push(...event.tokens)
      made.text += event.text
    } else if (event.type === 'end') made.reason = event.reason
  }
  return made
}
