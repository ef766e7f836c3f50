import type { LoadedModel } from '../../inference/engine.ts'
import type { AdaptedModel } from '../../protocol/adapted-model.ts'

/** Of what a loaded model is made, as offers say it: null for a file as it is, and for what has no such name. */
export function adaptedOf({ base, adapters = [] }: LoadedModel): AdaptedModel | null {
  const [worn] = adapters
  if (base === undefined || worn?.id === undefined || adapters.length > 1 || worn.scale !== 1) return null
  return { base, adapter: worn.id }
}

/** Whether a model can be offered to others: who reads the offer has to be able to say what it is. */
export function isTradable(model: LoadedModel): boolean {
  return (model.adapters ?? []).length === 0 || adaptedOf(model) !== null
}
