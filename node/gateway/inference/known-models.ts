import { formatCredits } from '../../../protocol/money.ts'
import { marketNameOf } from '../../market/model-names.ts'
import type { ShoalNode } from '../../node.ts'
import type { TenantPolicy } from '../http/principal.ts'

/** A model that can be asked for through this node now. */
export interface KnownModel {
  /** As people name it; files of one name compete. */
  name: string
  /** `name@sha256:…` of each file. */
  ids: string[]
  kinds: string[]
  /** Longest prompt and answer of any that offers it. */
  contextTokens: number
  /** Who offers it: peers, this node's engine, cloud services. */
  providers: number
  /** Cheapest now, decimal credits for a million tokens. */
  price: { input: string; output: string }
  parameters: number
  quantizations: string[]
}

const MAX_MODELS = 1_000
const MAX_LISTINGS = 1_000

/** Models that may be asked for, by name; those with most providers first. */
export function knownModels(node: ShoalNode, policy: Pick<TenantPolicy, 'models'>): KnownModel[] {
  const { index } = node.parts
  const byName = new Map<string, string[]>()
  for (const id of index.models()) {
    const name = marketNameOf(id)
    byName.set(name, [...(byName.get(name) ?? []), id])
  }
  const isAllowed = (name: string, ids: readonly string[]) =>
    policy.models === null ||
    policy.models.some(allowed => allowed === name || ids.some(id => id.startsWith(allowed)))
  return [...byName]
    .filter(([name, ids]) => isAllowed(name, ids))
    .slice(0, MAX_MODELS)
    .flatMap(([name, ids]) => knownModel(node, name, ids) ?? [])
    .sort((a, b) => b.providers - a.providers || a.name.localeCompare(b.name))
}

function knownModel(node: ShoalNode, name: string, ids: readonly string[]): KnownModel | null {
  const listings = ids.flatMap(id => node.parts.index.lookup({ model: id }, MAX_LISTINGS))
  if (listings.length === 0) return null
  const models = listings.map(({ model }) => model)
  const cheapest = models.reduce((best, each) =>
    each.outputPerMillion < best.outputPerMillion ? each : best,
  )
  return {
    name,
    ids: [...ids],
    kinds: [...new Set(models.flatMap(({ kinds }) => kinds))],
    contextTokens: Math.max(...models.map(({ contextTokens }) => contextTokens)),
    providers: new Set(listings.map(({ provider }) => provider)).size,
    price: {
      input: formatCredits(cheapest.inputPerMillion),
      output: formatCredits(cheapest.outputPerMillion),
    },
    parameters: Math.max(...models.map(({ parameterCount }) => parameterCount)),
    quantizations: [...new Set(models.map(({ quantization }) => quantization).filter(each => each !== ''))],
  }
}
