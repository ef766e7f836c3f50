import {
  INPUT,
  MS_PER_TOKEN,
  OUTPUT,
  QUALITY,
  RTT_MS,
  SPOT_INPUT,
  SPOT_OUTPUT,
  STRIDE,
  TTFT_MS,
  ZONE_INPUT,
  ZONE_MS_PER_TOKEN,
  ZONE_OUTPUT,
  ZONE_QUALITY,
  ZONE_ROWS,
  ZONE_RTT_MS,
  ZONE_SPOT_INPUT,
  ZONE_SPOT_OUTPUT,
  ZONE_STRIDE,
  ZONE_TTFT_MS,
} from './scan.ts'

/**
 * The most favourable number of each kind among so many neighbouring rows, so that a scan knows what no row of a zone
 * is better than (small materialized aggregates: Moerkotte, VLDB 1998, section 2). Never less favourable than a row's
 * own number; more favourable where a row was changed, until the zone is looked through again, which is done after as
 * many changes as it has rows.
 */
export class ZoneMap {
  best = new Float32Array()
  #changes = new Uint8Array()

  /** For rows up to `capacity`; the new ones are empty. */
  resize(capacity: number): void {
    const zones = Math.ceil(capacity / ZONE_ROWS)
    const before = this.#changes.length
    const larger = new Float32Array(zones * ZONE_STRIDE)
    larger.set(this.best)
    this.best = larger
    const changes = new Uint8Array(zones)
    changes.set(this.#changes)
    this.#changes = changes
    for (let zone = before; zone < zones; zone++) this.#clear(zone)
  }

  /** A row has other numbers. @param numbers of all rows; see `RowTable` */
  changed(row: number, numbers: Float32Array): void {
    const zone = Math.floor(row / ZONE_ROWS)
    const isDue = ++this.#changes[zone]! > ZONE_ROWS
    if (isDue) this.#clear(zone)
    const first = isDue ? zone * ZONE_ROWS : row
    const end = isDue ? first + ZONE_ROWS : row + 1
    for (let one = first; one < end; one++) this.#widen(zone, one, numbers)
  }

  #clear(zone: number): void {
    const to = zone * ZONE_STRIDE
    this.best.fill(Number.POSITIVE_INFINITY, to, to + ZONE_STRIDE)
    this.best[to + ZONE_QUALITY] = 0
    this.#changes[zone] = 0
  }

  #widen(zone: number, row: number, numbers: Float32Array): void {
    const { best } = this
    const to = zone * ZONE_STRIDE
    const at = row * STRIDE
    // What is no number, as the price of spot tasks nobody takes, is less than nothing.
    if (numbers[at + INPUT]! < best[to + ZONE_INPUT]!) best[to + ZONE_INPUT] = numbers[at + INPUT]!
    if (numbers[at + OUTPUT]! < best[to + ZONE_OUTPUT]!) best[to + ZONE_OUTPUT] = numbers[at + OUTPUT]!
    if (numbers[at + SPOT_INPUT]! < best[to + ZONE_SPOT_INPUT]!)
      best[to + ZONE_SPOT_INPUT] = numbers[at + SPOT_INPUT]!
    if (numbers[at + SPOT_OUTPUT]! < best[to + ZONE_SPOT_OUTPUT]!)
      best[to + ZONE_SPOT_OUTPUT] = numbers[at + SPOT_OUTPUT]!
    if (numbers[at + TTFT_MS]! < best[to + ZONE_TTFT_MS]!) best[to + ZONE_TTFT_MS] = numbers[at + TTFT_MS]!
    if (numbers[at + MS_PER_TOKEN]! < best[to + ZONE_MS_PER_TOKEN]!)
      best[to + ZONE_MS_PER_TOKEN] = numbers[at + MS_PER_TOKEN]!
    if (numbers[at + RTT_MS]! < best[to + ZONE_RTT_MS]!) best[to + ZONE_RTT_MS] = numbers[at + RTT_MS]!
    if (numbers[at + QUALITY]! > best[to + ZONE_QUALITY]!) best[to + ZONE_QUALITY] = numbers[at + QUALITY]!
  }
}
