import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Aggregator } from '../../aggregation/aggregator.ts'
import type { AggregatedAdapter, RoundAggregator, RoundContext } from '../seams.ts'

type Inputs = Parameters<RoundAggregator['aggregate']>[1]

/** Aggregates a round's updates by its rule, in a thread of their own. */
export class FileAggregator implements RoundAggregator {
  readonly #folder: string
  readonly #aggregator: Pick<Aggregator, 'run'>

  /** @param options.folder for files of rounds */
  constructor(options: { folder: string }, modules: { aggregator: Pick<Aggregator, 'run'> }) {
    this.#folder = options.folder
    this.#aggregator = modules.aggregator
  }

  /** @throws {AggregationError} {AdapterError} */
  async aggregate(context: RoundContext, inputs: Inputs, signal: AbortSignal): Promise<AggregatedAdapter> {
    const { round, manifest, parentPath, trustedPath } = context
    const { rule, rank, alpha, name, outerLearningRate } = manifest
    const folder = join(this.#folder, round)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const outPath = join(folder, 'aggregate.gguf')
    const { discardedEnergy } = await this.#aggregator.run(
      {
        updates: inputs.map(({ blob, author, path, weight }) => ({
          ...{ id: blob.digest, author, weight },
          path: path!,
        })),
        ...{ parentPath, outPath },
        ...(trustedPath === null ? {} : { trustedPath }),
        options: { rule, rank, alpha, name, outerLearningRate, metadata: { 'shoal.round': round } },
      },
      { signal },
    )
    return { path: outPath, discardedEnergy }
  }
}
