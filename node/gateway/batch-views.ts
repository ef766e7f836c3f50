import type { ShoalError } from '../../protocol/errors.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { BatchEvent, BatchForecast, BatchResult } from '../tasks/batch.ts'
import { type AskResultView, askResultView, peerIdOf } from './views.ts'

/** What a way to do a batch comes to. */
export interface BatchValuesView {
  /** Expected, credits. */
  cost: number
  seconds: number
  /** Tasks expected to fail at first, and to be moved on. */
  failures: number
  /** Mean, 0 to 1. */
  quality: number
}

export interface BatchForecastView {
  /** Plans of which none is better in all, by rising cost. */
  front: BatchValuesView[]
  pick: BatchValuesView & { assignments: ({ provider: string; model: string } | null)[] }
  greedy: Record<'cost' | 'time' | 'reliability', BatchValuesView>
  unassigned: number[]
  feasible: boolean
}

export type BatchEventView =
  | { type: 'planned'; forecast: BatchForecastView }
  | { type: 'begun'; index: number }
  | { type: 'done'; index: number; result: AskResultView }
  | { type: 'failed'; index: number; error: ReturnType<ShoalError['toJSON']> }

export interface BatchResultView {
  done: number
  failed: number
  paid: string
  seconds: number
}

export function batchForecastView(forecast: BatchForecast): BatchForecastView {
  const { front, pick, greedy, unassigned, feasible } = forecast
  return {
    front: front.map(valuesView),
    pick: {
      ...valuesView(pick.values),
      assignments: pick.assignments.map(assignment =>
        assignment === null
          ? null
          : { provider: peerIdOf(assignment.listing.provider), model: assignment.listing.model.model },
      ),
    },
    greedy: {
      cost: valuesView(greedy.cost),
      time: valuesView(greedy.time),
      reliability: valuesView(greedy.reliability),
    },
    unassigned,
    feasible,
  }
}

export function batchEventView(event: BatchEvent): BatchEventView {
  if (event.type === 'planned') return { type: 'planned', forecast: batchForecastView(event.forecast) }
  if (event.type === 'done') return { ...event, result: askResultView(event.result) }
  if (event.type === 'failed') return { ...event, error: event.error.toJSON() }
  return event
}

export function batchResultView({ done, failed, paid, elapsedMs }: BatchResult): BatchResultView {
  return { done, failed, paid: formatCredits(paid), seconds: elapsedMs / 1_000 }
}

function valuesView({ cost, seconds, failures, quality }: BatchValuesView): BatchValuesView {
  const shown = (value: number) => Number(value.toPrecision(6))
  return {
    cost: shown(cost),
    seconds: shown(seconds),
    failures: shown(failures),
    quality: shown(quality),
  }
}
