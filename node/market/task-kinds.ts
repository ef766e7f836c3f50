import type { LoadedModel } from '../../inference/engine.ts'
import { MAX_EMBEDDING_DIMENSIONS } from '../../protocol/limits.ts'
import type { TaskKind } from '../../protocol/messages/offer.ts'

/**
 * Kinds of task that a model of the own engine takes. Any model can embed by the mean of its states; one whose file was
 * made for that is asked for nothing else.
 */
export function taskKindsOf(model: LoadedModel): TaskKind[] {
  const { isForEmbedding, chatTemplateDigest, embeddingLength } = model
  if (isForEmbedding === true) return ['embedding']
  const kinds: TaskKind[] = chatTemplateDigest === null ? ['completion'] : ['chat', 'completion']
  const canEmbed = embeddingLength > 0 && embeddingLength <= MAX_EMBEDDING_DIMENSIONS
  return canEmbed ? [...kinds, 'embedding'] : kinds
}
