import { createHash } from 'node:crypto'
import { ModelError } from './errors.ts'
import { type GgufHead, numberOf, readGgufHead, textOf } from './gguf-head.ts'

/** What a GGUF file says of itself. */
export interface GgufSummary {
  /** GGUF format version. */
  version: number
  architecture: string
  /** `general.name`; null when the file has none. */
  name: string | null
  license: string | null
  parameterCount: number
  /** The tensor type that holds most parameters, as `Q8_0`. */
  quantization: string
  /** Tokens of context the model was trained on; null when the file does not say. */
  trainContextTokens: number | null
  embeddingLength: number | null
  /** llama.cpp's pooling type for embeddings; null when the file does not say. */
  poolingType: number | null
  /** `sha256:<64 hex>` of the chat template; null when the file has none. */
  chatTemplateDigest: string | null
  fileBytes: number
}

/**
 * Reads what a GGUF file says of itself from its head.
 * @throws {ModelError} MODEL_INVALID, MODEL_NOT_FOUND
 */
export async function inspectGguf(path: string): Promise<GgufSummary> {
  const head = await readGgufHead(path)
  const { metadata } = head
  const invalid = (problem: string, fix: string) =>
    new ModelError('MODEL_INVALID', `${path} ${problem}`, { fix, details: { path } })
  const architecture = textOf(metadata, 'general.architecture')
  if (architecture === null || architecture === '') {
    throw invalid('does not say which architecture it has', 'Use a GGUF file that llama.cpp can run.')
  }
  if (textOf(metadata, 'general.type') === 'adapter') {
    throw invalid('is an adapter, which runs on a base only', 'Name it behind its base: BASE+ADAPTER.gguf.')
  }
  if (head.tensors.length === 0) throw invalid('holds no weights', 'Name the file with the weights.')
  if ((numberOf(metadata, 'split.count') ?? 1) > 1) {
    throw invalid('is one part of a split model', 'Merge the parts first: llama-gguf-split --merge.')
  }
  const template = textOf(metadata, 'tokenizer.chat_template')
  return {
    version: head.version,
    architecture,
    name: textOf(metadata, 'general.name'),
    license: textOf(metadata, 'general.license'),
    parameterCount: head.tensors.reduce((sum, { elements }) => sum + elements, 0),
    quantization: dominantType(head),
    trainContextTokens: numberOf(metadata, `${architecture}.context_length`),
    embeddingLength: numberOf(metadata, `${architecture}.embedding_length`),
    poolingType: numberOf(metadata, `${architecture}.pooling_type`),
    chatTemplateDigest:
      template === null || template === ''
        ? null
        : `sha256:${createHash('sha256').update(template).digest('hex')}`,
    fileBytes: head.fileBytes,
  }
}

function dominantType({ tensors }: GgufHead): string {
  const parametersOfType = new Map<string, number>()
  for (const { type, elements } of tensors) {
    parametersOfType.set(type, (parametersOfType.get(type) ?? 0) + elements)
  }
  let dominant = 'F32'
  let most = 0
  for (const [type, parameters] of parametersOfType) {
    if (parameters > most) {
      dominant = type
      most = parameters
    }
  }
  return dominant
}
