import type { CapabilityIndex } from '../../market/capability-index.ts'
import { marketNameOf } from '../../market/model-names.ts'
import { GatewayError } from '../http/http-error.ts'
import type { TenantPolicy } from '../http/principal.ts'

type KnownModels = Pick<CapabilityIndex, 'match' | 'models'>

/** Names under which clients leave the choice to the node. */
const ANY: ReadonlySet<string> = new Set(['', 'auto', 'default', 'shoal', 'shoal/auto'])
const MAX_NAMES_TOLD = 8

/**
 * Which model a request means: a name or id as the market knows it, the one name that begins as asked for, or null for
 * whatever is best for the money. A name that nobody offers is left as it is: the requester says so, and what there is.
 * @throws {GatewayError} FORBIDDEN by the tenant's policy; REQUEST_INVALID for a beginning of several names
 */
export function chosenModel(
  wanted: string | null,
  modules: { models: KnownModels; policy: Pick<TenantPolicy, 'models'> },
): string | null {
  const { models, policy } = modules
  const isAny = wanted === null || ANY.has(wanted)
  if (isAny && policy.models === null) return null
  if (isAny)
    return policy.models!.find(name => isKnown(name, models)) ?? policy.models![0] ?? forbidden('any model')
  const model = resolved(wanted, models)
  if (policy.models !== null && !isAllowed(model, policy.models, models)) forbidden(wanted)
  return model
}

function isKnown(model: string, models: KnownModels): boolean {
  return models.match({ model, kind: null }).length > 0
}

function resolved(wanted: string, models: KnownModels): string {
  if (isKnown(wanted, models)) return wanted
  const beginning = wanted.toLowerCase()
  if (isKnown(beginning, models)) return beginning
  const names = [...new Set(models.models().map(marketNameOf))]
    .filter(name => name.startsWith(beginning))
    .sort()
  if (names.length <= 1) return names[0] ?? wanted
  throw new GatewayError('REQUEST_INVALID', 'the names of several models begin so', {
    param: 'model',
    fix: `Name one of them: ${names.slice(0, MAX_NAMES_TOLD).join(', ')}.`,
  })
}

/** Models are named by many names; they are the same when they mean the same files. */
function isAllowed(model: string, allowed: readonly string[], models: KnownModels): boolean {
  if (allowed.includes(model)) return true
  const ids = new Set(
    allowed.flatMap(name => models.match({ model: name, kind: null }).map(each => each.model)),
  )
  const meant = models.match({ model, kind: null })
  return meant.length > 0 && meant.every(each => ids.has(each.model))
}

function forbidden(model: string): never {
  throw new GatewayError('FORBIDDEN', `this key may not use ${model.slice(0, 100)}`, {
    param: 'model',
    fix: '/v1/models tells which models there are; ask the operator for others.',
  })
}
