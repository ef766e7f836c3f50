import { ShoalError } from '../../protocol/errors.ts'
import { HISTORY_SPANS, type HistorySpan } from '../market/history-spans.ts'
import { marketNameOf } from '../market/model-names.ts'
import type { PriceBucket } from '../market/price-history.ts'
import type { ShoalNode } from '../node.ts'

/** Prices of models over time, on the market and of this node: credits per million tokens. */
export interface PricesView {
  span: HistorySpan
  models: { name: string; history: PriceBucket[] }[]
}

/**
 * @param query.model null for all that are followed
 * @throws {ShoalError} MODEL_NOT_OFFERED
 */
export function pricesView(
  node: ShoalNode,
  query: { model: string | null; span: HistorySpan | null },
): PricesView {
  const { history } = node.parts.desk
  const span = query.span ?? HISTORY_SPANS[0]!
  const all = history.models()
  const wanted =
    query.model === null
      ? all
      : all.filter(name => name === query.model || name === marketNameOf(query.model!))
  if (query.model !== null && wanted.length === 0) {
    throw new ShoalError('MODEL_NOT_OFFERED', 'prices of this model are not followed', {
      fix: 'Models that are offered are followed, those with most offers first.',
    })
  }
  return { span, models: wanted.map(name => ({ name, history: history.of(name, span) })) }
}
