import type { EngineStatus } from '../../../inference/engine.ts'
import type { TokenPrice } from '../../../protocol/money.ts'
import { adaptedOf } from '../adapted-models.ts'
import type { Listing } from '../routing/candidate.ts'
import type { ServiceMeter } from '../service-meter.ts'
import { taskKindsOf } from '../task-kinds.ts'

/**
 * What this node's own engine can do for its own tasks now.
 * @param options.price what tokens of this machine are worth to its operator, base units per million
 */
export function localListings(
  status: EngineStatus,
  options: { price: TokenPrice; region: string | null },
  modules: { meter: ServiceMeter | null },
): Listing[] {
  if (status.state !== 'ready') return []
  return status.models.map((model): Listing => {
    const speed = modules.meter?.speed(model.id) ?? null
    return {
      provider: 'local',
      venue: 'local',
      offer: null,
      model: {
        model: model.id,
        adapter: adaptedOf(model),
        kinds: taskKindsOf(model),
        modalities: ['text'],
        contextTokens: model.contextTokens,
        quantization: model.quantization.slice(0, 16),
        parameterCount: model.parameterCount,
        slots: model.slots,
        ...options.price,
        spot: null,
        tokensPerSecond: Math.round(speed?.tokensPerSecond ?? model.measuredTokensPerSecond),
        ttftMs: Math.round(speed?.ttftMs ?? 0),
        freeSlots: Math.min(model.slots, status.freeSlots),
        queued: status.queued,
      },
      terms: { dataClass: 'PRIVATE', slaClasses: ['B'], region: options.region, quality: null },
    }
  })
}
