import type { SimProvider } from '../market.ts'
import type { Random } from '../random.ts'

const MAX_RANKED = 8
/** Those that are known to be full come after all others. */
const FULL_BURDEN = 1e6

/** The best by `worth`, those with a free slot first, ties by chance. */
export function bestOf(
  providers: readonly SimProvider[],
  tried: ReadonlySet<SimProvider>,
  worth: (provider: SimProvider) => number,
  random: Random,
): SimProvider[] {
  return providers
    .filter(provider => !tried.has(provider))
    .map(provider => ({
      provider,
      worth: worth(provider) - (provider.knownFreeSlots === 0 ? FULL_BURDEN : 0),
      tie: random.uniform(),
    }))
    .sort((a, b) => b.worth - a.worth || a.tie - b.tie)
    .slice(0, MAX_RANKED)
    .map(({ provider }) => provider)
}
