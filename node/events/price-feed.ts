import type { PriceSample } from '../market/price-history.ts'
import type { EventJournal } from './journal.ts'
import { jsonOf } from './json.ts'

/** Models whose last prices are remembered. */
const MAX_MODELS = 256

/** Puts into the journal each change of a model's prices, on the market and of this node's own. */
export function feedFromPrices(journal: Pick<EventJournal, 'append'>): (sample: PriceSample) => void {
  const last = new Map<string, string>()
  return sample => {
    const data = jsonOf(sample)
    const text = JSON.stringify(data)
    if (last.get(sample.model) === text) return
    last.delete(sample.model)
    last.set(sample.model, text)
    if (last.size > MAX_MODELS) last.delete(last.keys().next().value!)
    journal.append({ channel: 'prices', type: 'price', data })
  }
}
