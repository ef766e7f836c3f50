import { DATA_CLASSES, type DataClass } from '../../protocol/data-class.ts'
import { MODALITIES, type ModelOffer } from '../../protocol/messages/offer.ts'
import { SLA_CLASSES, type SlaClass } from '../../protocol/sla-class.ts'
import type { ListingColumns } from './capability.ts'

/** What a row takes from its provider and not from the model. */
export interface RowTerms {
  venue: number
  providerRow: number
  modelIndex: number
  region: number
  expiresAtMs: number
  dataClass: DataClass
  slaClasses: readonly SlaClass[]
}

const BASE_UNITS = 1e18

/** New, empty columns. */
export function makeColumns(capacity: number): ListingColumns {
  const floats = () => new Float64Array(capacity)
  return {
    inputPerMillion: floats(),
    outputPerMillion: floats(),
    spotInput: floats(),
    spotOutput: floats(),
    tokensPerSecond: floats(),
    ttftMs: floats(),
    freeSlots: floats(),
    queued: floats(),
    slots: floats(),
    contextTokens: floats(),
    parameterCount: floats(),
    expiresAtMs: floats(),
    dataClass: new Uint8Array(capacity),
    slaMask: new Uint8Array(capacity),
    modalityMask: new Uint8Array(capacity),
    venue: new Uint8Array(capacity),
    region: new Int32Array(capacity),
    providerRow: new Int32Array(capacity),
    modelIndex: new Uint16Array(capacity),
  }
}

/** Larger columns with the same rows. */
export function grownColumns(columns: ListingColumns, capacity: number): ListingColumns {
  const grown = makeColumns(capacity)
  for (const name of Object.keys(columns) as (keyof ListingColumns)[]) grown[name].set(columns[name])
  return grown
}

/** Copies a row's facts to another row. */
export function copyRow(columns: ListingColumns, from: number, to: number): void {
  for (const name of Object.keys(columns) as (keyof ListingColumns)[])
    columns[name][to] = columns[name][from]!
}

/** Writes a row. */
export function writeRow(columns: ListingColumns, row: number, model: ModelOffer, terms: RowTerms): void {
  const { spot } = model
  columns.inputPerMillion[row] = Number(model.inputPerMillion) / BASE_UNITS
  columns.outputPerMillion[row] = Number(model.outputPerMillion) / BASE_UNITS
  columns.spotInput[row] = spot === null ? Number.NaN : Number(spot.inputPerMillion) / BASE_UNITS
  columns.spotOutput[row] = spot === null ? Number.NaN : Number(spot.outputPerMillion) / BASE_UNITS
  columns.tokensPerSecond[row] = model.tokensPerSecond
  columns.ttftMs[row] = model.ttftMs
  columns.freeSlots[row] = model.freeSlots
  columns.queued[row] = model.queued
  columns.slots[row] = model.slots
  columns.contextTokens[row] = model.contextTokens
  columns.parameterCount[row] = model.parameterCount
  columns.expiresAtMs[row] = terms.expiresAtMs
  columns.dataClass[row] = DATA_CLASSES.indexOf(terms.dataClass)
  columns.slaMask[row] = maskOf(terms.slaClasses, SLA_CLASSES)
  columns.modalityMask[row] = maskOf(model.modalities, MODALITIES)
  columns.venue[row] = terms.venue
  columns.region[row] = terms.region
  columns.providerRow[row] = terms.providerRow
  columns.modelIndex[row] = terms.modelIndex
}

/** Bit i for the i-th of all. */
export function maskOf<T>(some: readonly T[], all: readonly T[]): number {
  return some.reduce((mask, one) => mask | (1 << all.indexOf(one)), 0)
}
