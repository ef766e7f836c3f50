import { withoutQuantization } from '../../inference/models/quantization-suffix.ts'
import { type ModelId, parseModelId } from '../../protocol/ids.ts'

/** What people call a model: its name without digest and quantisation. Models of one name compete. */
export function marketNameOf(model: ModelId): string {
  const parsed = parseModelId(model)
  return withoutQuantization(parsed?.name ?? model)
}

/** Whether a model is the one asked for: by its whole id, its name with or without quantisation, or its digest. */
export function isNamed(wanted: string, model: ModelId): boolean {
  const parsed = parseModelId(model)
  return (
    wanted === model ||
    wanted === marketNameOf(model) ||
    wanted === parsed?.name ||
    wanted === parsed?.sha256 ||
    wanted === `sha256:${parsed?.sha256}`
  )
}
