import { withoutQuantization } from '../../inference/models/quantization-suffix.ts'
import { type ModelId, parseModelId } from '../../protocol/ids.ts'
import { TASK_KINDS, type TaskKind } from '../../protocol/messages/offer.ts'
import type { IndexedBucket } from './capability.ts'
import { RowRanges } from './row-ranges.ts'

/** A range of rows that belongs to one model file and set of kinds; its first `end - start` rows are in use. */
export interface Bucket extends IndexedBucket {
  readonly kinds: number
  start: number
  end: number
  /** Of two; of how many rows there are. */
  power: number
}

const MAX_CACHED_MATCHES = 256

/** Which rows belong to which model, and which models are meant by a name. */
export class ModelBuckets {
  readonly #ranges: RowRanges
  readonly #onMoved: (from: number, to: number) => void
  readonly #buckets = new Map<string, Bucket>()
  /** Buckets by id, name, name without quantisation and digest. */
  readonly #aliases = new Map<string, Set<Bucket>>()
  /** Answers of `match` by model, for each kind of task and the last for any; they hold until a bucket comes or goes. */
  readonly #matches = new Map<string | null, (Bucket[] | undefined)[]>()

  /** @param onMoved called when a row in use gets another number, before its old one is used again */
  constructor(options: { capacity: number; onMoved: (from: number, to: number) => void }) {
    this.#ranges = new RowRanges(options.capacity)
    this.#onMoved = options.onMoved
  }

  /** All rows given out are less than this. */
  get capacity(): number {
    return this.#ranges.capacity
  }

  /** Ids of all models there are, each once. */
  models(): ModelId[] {
    return [...new Set([...this.#buckets.values()].map(({ model }) => model))]
  }

  /** The bucket of a model, made when there is none. */
  bucket(model: ModelId, kinds: number): Bucket {
    const key = keyOf(model, kinds)
    const known = this.#buckets.get(key)
    if (known !== undefined) return known
    const start = this.#ranges.take(0)
    const bucket: Bucket = { model, kinds, start, end: start, power: 0 }
    this.#buckets.set(key, bucket)
    for (const alias of aliasesOf(model)) {
      const buckets = this.#aliases.get(alias)
      if (buckets === undefined) this.#aliases.set(alias, new Set([bucket]))
      else buckets.add(bucket)
    }
    this.#matches.clear()
    return bucket
  }

  /** A new row at the end of a bucket. Others of the bucket move when it has no room left. */
  add(bucket: Bucket): number {
    if (bucket.end - bucket.start === 2 ** bucket.power) this.#resize(bucket, bucket.power + 1)
    return bucket.end++
  }

  /** Frees a row; the last row of the bucket takes its place, and a bucket that is mostly empty moves to less room. */
  remove(bucket: Bucket, row: number): void {
    const last = --bucket.end
    if (last !== row) this.#onMoved(last, row)
    const count = bucket.end - bucket.start
    if (count === 0) this.#drop(bucket)
    else if (count <= 2 ** (bucket.power - 2)) this.#resize(bucket, bucket.power - 1)
  }

  /** Buckets of the models that are meant, with this kind of task. The array is not to be changed. */
  match(model: string | null, kind: TaskKind | null): readonly Bucket[] {
    let byKind = this.#matches.get(model)
    if (byKind === undefined) {
      byKind = new Array(TASK_KINDS.length + 1).fill(undefined)
      if (this.#matches.size >= MAX_CACHED_MATCHES) this.#matches.clear()
      this.#matches.set(model, byKind)
    }
    const place = kind === null ? TASK_KINDS.length : TASK_KINDS.indexOf(kind)
    const known = byKind[place]
    if (known !== undefined) return known
    const bit = kind === null ? -1 : 1 << place
    const all = model === null ? this.#buckets.values() : (this.#aliases.get(plainAlias(model)) ?? [])
    const buckets = [...all].filter(({ kinds }) => (kinds & bit) !== 0)
    byKind[place] = buckets
    return buckets
  }

  #resize(bucket: Bucket, toPower: number): void {
    const { start, end, power } = bucket
    // Taken before the old one is given back: rows are copied from it.
    const to = this.#ranges.take(toPower)
    for (let row = start; row < end; row++) this.#onMoved(row, to + row - start)
    this.#ranges.give(start, power)
    bucket.start = to
    bucket.end = to + end - start
    bucket.power = toPower
  }

  #drop(bucket: Bucket): void {
    this.#ranges.give(bucket.start, bucket.power)
    this.#buckets.delete(keyOf(bucket.model, bucket.kinds))
    for (const alias of aliasesOf(bucket.model)) {
      const buckets = this.#aliases.get(alias)
      buckets?.delete(bucket)
      if (buckets?.size === 0) this.#aliases.delete(alias)
    }
    this.#matches.clear()
  }
}

function keyOf(model: ModelId, kinds: number): string {
  return `${kinds}|${model}`
}

function aliasesOf(model: ModelId): Set<string> {
  const parsed = parseModelId(model)
  if (parsed === null) return new Set([model])
  return new Set([model, parsed.name, withoutQuantization(parsed.name), parsed.sha256])
}

function plainAlias(model: string): string {
  return model.startsWith('sha256:') ? model.slice('sha256:'.length) : model
}
