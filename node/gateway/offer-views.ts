import { formatCredits } from '../../protocol/money.ts'
import { systemClock } from '../clock.ts'
import type { CapabilityQuery } from '../market/capability.ts'
import { CapabilityIndex } from '../market/capability-index.ts'
import type { KnownOffer } from '../market/offer-book.ts'
import type { ShoalNode } from '../node.ts'
import type { ControlParameters } from './control-api.ts'
import { peerIdOf } from './views.ts'

/** A provider, as each line of its offer shows it. */
interface OffererView {
  provider: string
  region: string | null
  /** The most guarded data it declares itself fit for. */
  dataClass: string
  slaClasses: string[]
  /** Whether its wallet declares its node key on chain; null while that is not known. */
  bound: boolean | null
  /** Credits at stake, as the chain says; null while that is not known, or the wallet is not its own. */
  stake: string | null
  reputation: number
  expiresAt: string
  own: boolean
}

export interface OfferView extends OffererView {
  model: string
  /** The files that a model with an adapter is made of; null for a file as it is. */
  adapter: { base: string; adapter: string } | null
  kinds: string[]
  modalities: string[]
  quantization: string
  parameters: number
  contextTokens: number
  inputPerMillion: string
  outputPerMillion: string
  /** Of tasks that may be pre-empted; null where none are taken. */
  spot: { inputPerMillion: string; outputPerMillion: string; noticeMs: number } | null
  /** Why the prices are as they are. */
  priceReason: string
  tokensPerSecond: number
  ttftMs: number
  freeSlots: number
  slots: number
  queued: number
  backend: string
}

export interface EntityView extends OffererView {
  kind: string
  name: string
  tags: string[]
  endpoint: string | null
  /** Credits for one unit; null where it is free or agreed on otherwise. */
  price: { amount: string; unit: string } | null
  capacity: number | null
}

/** What is offered as asked for, by this node first, then the cheapest first. */
export function offerViews(
  node: ShoalNode,
  parameters: ControlParameters<'offers'>,
): OfferView[] | EntityView[] {
  const { kind, model, tags, region, maxPrice, dataClass, slaClass, limit } = parameters
  const query: CapabilityQuery = {
    ...(region === null ? {} : { region }),
    ...(dataClass === null ? {} : { dataClass }),
    ...(slaClass === null ? {} : { slaClass }),
    ...(maxPrice === null ? {} : { maxPrice: Number(maxPrice) }),
  }
  const indexes = [ownIndex(node), node.parts.index]
  if (kind === 'model' || (kind === null && tags.length === 0)) {
    const models = { ...query, venue: 'peer' as const, ...(model === null ? {} : { model }) }
    return indexes
      .flatMap(index => index.lookup(models, limit))
      .slice(0, limit)
      .map(({ offer, model }) => ({ ...offererView(node, offer!), ...modelView(offer!, model) }))
  }
  const entities = { ...query, tags, ...(kind === null ? {} : { entity: kind }) }
  return indexes
    .flatMap(index => index.lookupEntities(entities, limit))
    .slice(0, limit)
    .map(({ offer, entity }) => ({
      ...offererView(node, offer),
      ...entity,
      price: entity.price === null ? null : { ...entity.price, amount: formatCredits(entity.price.amount) },
    }))
}

/** Our own offer, looked through like those of others. */
function ownIndex(node: ShoalNode): CapabilityIndex {
  const index = new CapabilityIndex({ clock: systemClock })
  const own = node.tradeOrNull?.offers?.current() ?? null
  if (own !== null) index.set(own)
  return index
}

function offererView(node: ShoalNode, { provider, offer }: KnownOffer): OffererView {
  const { host, reputation } = node.parts
  const standing = node.tradeOrNull?.economy.standing.of(offer.wallet, provider) ?? null
  return {
    provider: peerIdOf(provider),
    region: offer.region,
    dataClass: offer.dataClass,
    slaClasses: offer.slaClasses,
    bound: standing?.bound ?? null,
    stake: standing?.bound === true ? formatCredits(standing.stake) : null,
    reputation: reputation.score(provider).score,
    expiresAt: new Date(offer.expiresAtMs).toISOString(),
    own: provider === host.nodeKey,
  }
}

function modelView(
  { offer }: KnownOffer,
  model: KnownOffer['offer']['models'][number],
): Omit<OfferView, keyof OffererView> {
  const { spot } = model
  return {
    model: model.model,
    adapter: model.adapter,
    kinds: model.kinds,
    modalities: model.modalities,
    quantization: model.quantization,
    parameters: model.parameterCount,
    contextTokens: model.contextTokens,
    inputPerMillion: formatCredits(model.inputPerMillion),
    outputPerMillion: formatCredits(model.outputPerMillion),
    spot:
      spot === null
        ? null
        : {
            inputPerMillion: formatCredits(spot.inputPerMillion),
            outputPerMillion: formatCredits(spot.outputPerMillion),
            noticeMs: spot.noticeMs,
          },
    priceReason: offer.priceReason,
    tokensPerSecond: model.tokensPerSecond,
    ttftMs: model.ttftMs,
    freeSlots: model.freeSlots,
    slots: model.slots,
    queued: model.queued,
    backend: offer.backend,
  }
}
