import { formatCredits, parseCredits, type TokenPrice } from '../../protocol/money.ts'
import type { Kind } from './kinds.ts'

/** The price of one model by name, base units per million tokens. */
export interface ModelPrice extends TokenPrice {
  /** With or without its quantisation. */
  model: string
}

const MAX_PRICES = 64
const FORM = 'prices such as shoal-mini=0.25/1, credits for a million prompt and output tokens'

/** Prices of single models: `name=input/output`, with commas in between, or a list in YAML. */
export const modelPrices: Kind<ModelPrice[]> = {
  placeholder: 'model=in/out,…',
  parse(raw) {
    const items = Array.isArray(raw) ? raw : typeof raw === 'string' ? raw.split(',') : fail()
    const filled = items.map(item => String(item).trim()).filter(item => item !== '')
    return filled.length <= MAX_PRICES ? filled.map(parsePrice) : fail()
  },
  show: prices =>
    prices
      .map(
        ({ model, inputPerMillion, outputPerMillion }) =>
          `${model}=${formatCredits(inputPerMillion)}/${formatCredits(outputPerMillion)}`,
      )
      .join(','),
}

function parsePrice(text: string): ModelPrice {
  const [, model, input, output] = /^([a-z0-9][a-z0-9._-]{0,63})=([\d._]+)\/([\d._]+)$/.exec(text) ?? fail()
  try {
    return { model: model!, inputPerMillion: parseCredits(input!), outputPerMillion: parseCredits(output!) }
  } catch {
    return fail()
  }
}

function fail(): never {
  throw new RangeError(`expected ${FORM}`)
}
