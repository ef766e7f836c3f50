import { skeletons } from './phrase.ts'
import type { Random } from './random.ts'

/**
 * What an item may be used for. `train` is learned from, `validation` is looked at while the data is
 * improved, `test` is what the report is about. No template and no entity is in two of them.
 */
export type Split = 'train' | 'validation' | 'test'
export const SPLITS: readonly Split[] = ['train', 'validation', 'test']

/** FNV-1a (32 bits, over UTF-16 units) with a final mix; stable for ever, since the split hangs on it. */
function stableHash(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The split an entity belongs to, by its hash: 9 % validation, 9 % test. Letter case does not matter. */
export function entitySplit(entity: string): Split {
  const percent = stableHash(entity.toLowerCase()) % 100
  if (percent < 9) return 'validation'
  return percent < 18 ? 'test' : 'train'
}

/** Parts a pool of entities by `entitySplit`. */
export function splitPool(pool: readonly string[]): Record<Split, readonly string[]> {
  const parts: Record<Split, string[]> = { train: [], validation: [], test: [] }
  for (const entity of new Set(pool)) parts[entitySplit(entity)].push(entity)
  for (const split of SPLITS) {
    if (parts[split].length < 2)
      throw new RangeError(`too few entities for ${split} in [${pool.slice(0, 4)}…]`)
  }
  return parts
}

/** Templates written for training and, apart, those held out: every second one of these is for the test. */
export interface Templates {
  train: readonly string[]
  heldOut: readonly string[]
}

/**
 * The templates without the alternatives for training that make a held-out wording, so that rich templates
 * may be written without thought of it.
 *
 * @param wordingOf what makes two phrasings the same
 */
export function withoutHeldOut<T extends Templates>(templates: T, wordingOf: (phrase: string) => string): T {
  const heldOut = new Set(templates.heldOut.flatMap(skeletons).map(wordingOf))
  const train = templates.train.flatMap(template => {
    const all = skeletons(template)
    const kept = all.filter(phrase => !heldOut.has(wordingOf(phrase)))
    if (kept.length === all.length) return [template]
    return kept.length === 0 ? [] : [kept.length === 1 ? (kept[0] as string) : `[${kept.join('|')}]`]
  })
  return { ...templates, train }
}

/** Alternatives kept of a template that would else make a held-out wording, evenly over all of them. */
const MAX_KEPT = 400

/**
 * The templates with further ones for training, of which every alternative that makes a held-out wording is left out.
 *
 * @param wordingOf what makes two phrasings the same
 * @param alsoHeldOut templates held out elsewhere in the same kind
 */
export function widened<T extends Templates>(
  templates: T,
  further: readonly string[],
  wordingOf: (phrase: string) => string,
  alsoHeldOut: readonly string[] = [],
): T {
  const all = { ...templates, heldOut: [...templates.heldOut, ...alsoHeldOut] }
  const train = withoutHeldOut({ ...all, train: further }, wordingOf).train.map(thinned)
  const written = withoutHeldOut(templates, wordingOf).train
  return { ...templates, train: [...written, ...train] }
}

/** An enumeration of very many phrasings, shortened, so that drawing from it stays fast. */
function thinned(template: string): string {
  if (template.length < 20_000) return template
  const phrases = skeletons(template)
  const stride = Math.ceil(phrases.length / MAX_KEPT)
  return `[${phrases.filter((_, index) => index % stride === 0).join('|')}]`
}

/** Templates with many alternatives are drawn more often, up to this many times. */
const MAX_TEMPLATE_WEIGHT = 8
const weights = new Map<string, number>()

/** Draws one of the templates of a split. */
export function pickTemplate(templates: Templates, split: Split, random: Random): string {
  const list = templatesOf(templates, split)
  const weightOf = (template: string): number => {
    const known = weights.get(template)
    if (known !== undefined) return known
    const weight = Math.min(MAX_TEMPLATE_WEIGHT, Math.ceil(Math.sqrt(skeletons(template).length)))
    weights.set(template, weight)
    return weight
  }
  let left = random.below(list.reduce((sum, template) => sum + weightOf(template), 0))
  for (const template of list) {
    left -= weightOf(template)
    if (left < 0) return template
  }
  throw new RangeError(`no template for ${split}`)
}

export function templatesOf(templates: Templates, split: Split): readonly string[] {
  if (split === 'train') return templates.train
  return templates.heldOut.filter((_, index) => (index % 2 === 0) === (split === 'test'))
}
