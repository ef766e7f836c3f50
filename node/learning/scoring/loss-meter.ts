import { randomUUID } from 'node:crypto'
import type { Engine, LossRow, MeasuredLoss } from '../../../inference/engine.ts'
import type { ModelId } from '../../../protocol/ids.ts'
import { parseModelId } from '../../../protocol/ids.ts'

/** A base model, and an adapter that it wears or none. */
export interface MeasuredModel {
  base: { id: ModelId; path: string }
  /** Path of the adapter's file. */
  adapterPath: string | null
}

/** Losses of several texts, nats per counted token; NaN where nothing counts. */
export interface MeasuredText {
  loss: number
  /** Counted tokens. */
  tokens: number
}

/** Measures how well models foretell texts. */
export interface LossMeter {
  /**
   * @returns one for each text, in order
   * @throws {EngineError} CANCELLED, ENGINE_UNAVAILABLE, ENGINE_CRASHED, MODEL_INVALID
   */
  measure(
    model: MeasuredModel,
    texts: readonly (readonly LossRow[])[],
    signal: AbortSignal,
  ): Promise<MeasuredText[]>
}

/**
 * Measures with the node's engine, beside whatever it serves: models are loaded under ids of their own and unloaded again,
 * so that nothing that is served is touched.
 */
export class EngineLossMeter implements LossMeter {
  readonly #engine: Pick<Engine, 'load' | 'unload' | 'measureLoss'>

  constructor(modules: { engine: Pick<Engine, 'load' | 'unload' | 'measureLoss'> }) {
    this.#engine = modules.engine
  }

  async measure(
    { base, adapterPath }: MeasuredModel,
    texts: readonly (readonly LossRow[])[],
    signal: AbortSignal,
  ): Promise<MeasuredText[]> {
    // Others may measure with the same engine.
    const id = `measured-${randomUUID()}@sha256:${parseModelId(base.id)?.sha256 ?? ''}`
    await this.#engine.load(
      {
        id,
        path: base.path,
        base: base.id,
        ...(adapterPath === null ? {} : { adapters: [{ path: adapterPath, scale: 1 }] }),
      },
      { signal },
    )
    try {
      const { rows } = await this.#engine.measureLoss({ model: id, rows: texts.flat() }, { signal })
      return split(texts, rows)
    } finally {
      await this.#engine.unload(id)
    }
  }
}

function split(texts: readonly (readonly LossRow[])[], rows: MeasuredLoss['rows']): MeasuredText[] {
  let at = 0
  return texts.map(({ length }) => {
    const own = rows.slice(at, at + length)
    at += length
    const tokens = own.reduce((sum, row) => sum + row.tokens, 0)
    const nats = own.reduce((sum, row) => sum + row.loss * row.tokens, 0)
    return { loss: nats / tokens, tokens }
  })
}
