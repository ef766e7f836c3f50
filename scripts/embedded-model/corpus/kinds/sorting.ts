import type { Example, Generator } from '../example.ts'
import { capitalise, lexicon, wordLike } from '../lexicon.ts'
import { expand, normalise } from '../phrase.ts'
import type { Random } from '../random.ts'
import { entitySplit, pickTemplate, type Split, type Templates, widened } from '../split.ts'
import { retype, withoutPoliteness } from '../typing.ts'
import { EXTREME_WORDINGS, SORTING_WORDINGS } from '../wordings/sorting.ts'

type Direction = 'ascending' | 'descending'
type Items = 'numbers' | 'words'

const WRITTEN: Record<Items, Record<Direction, Templates>> = {
  numbers: {
    ascending: {
      train: [
        'Sort {list}',
        'Sort: {list}',
        'Sort [these|the] numbers: {list}',
        'Sort these: {list}',
        'Sort this list: {list}',
        'Sort the list {list}',
        'Sort {list} [in ascending order|ascending|from smallest to largest|from small to big|from low to high|by size].',
        'Sort [the numbers|these numbers|this] in ascending order: {list}',
        'Sort from [smallest to largest|low to high|lowest to highest]: {list}',
        'Put {list} in [order|ascending order|the right order].',
        'Put these numbers in order: {list}',
        'Order {list}',
        'Order these numbers: {list}',
        'Order [the numbers|these numbers] from [smallest to largest|small to large]: {list}',
        'Arrange {list} in ascending order.',
        'Arrange these numbers: {list}',
        'Can you sort {list}[| for me]?',
        'Can you sort these numbers: {list}',
        'Can you put {list} in order?',
        '{list} sorted',
        '{list} in order',
        '{list}: sort these',
        '{list}. Sort them[.| ascending.]',
        'What is {list} in ascending order?',
        'I need {list} sorted.',
        'Sort the following numbers: {list}',
        'List these numbers from smallest to largest: {list}',
        'Smallest first: {list}',
        'sort numbers {list}',
        'Sort ascending: {list}',
        'Help me sort {list}',
        '[Sort|Order|Rank] [the|these|my|those|all these] [numbers|values|figures|scores|integers] [in ascending order|ascending|from smallest to largest|from small to large|from low to high|from the smallest to the biggest|increasing|by size]: {list}',
        '[Sort|Order|Rank] [my|those|these] [values|figures|scores] {list} [in ascending order|ascending|from smallest to largest|from small to large|from low to high|from the smallest to the biggest|increasing|by size].',
        '[Can|Could|Would|Will] you [rank|arrange] {list} [in ascending order|ascending|from smallest to largest|from small to large|from low to high|from the smallest to the biggest|increasing|by size]?',
        '{list} [in ascending order|ascending|from smallest to largest|from small to large|from low to high|from the smallest to the biggest|increasing|by size]',
        '[I want|I would like|I need] {list} [sorted|ordered|ranked] [in ascending order|ascending|from smallest to largest|from small to large|from low to high|from the smallest to the biggest|increasing|by size].',
        '[Numbers|Values|My numbers]: {list}. [Sort|Order|Rank] [|them ][in ascending order|ascending|from smallest to largest|from small to large|from low to high|from the smallest to the biggest|increasing|by size].',
      ],
      heldOut: [
        'Could you sort {list} for me?',
        'Please put the numbers {list} in ascending order.',
        'Give me {list} in ascending order.',
        'Order the following: {list}',
        'Sort the numbers {list} by size, smallest first.',
        'Arrange the following numbers from low to high: {list}',
        'I want {list} in the right order.',
        'Can you order these numbers: {list}',
        'Here are numbers: {list}. Put them in order.',
        'Numbers to sort: {list}',
      ],
    },
    descending: {
      train: [
        'Sort {list} [in descending order|descending|from largest to smallest|from big to small|from high to low|backwards|in reverse order].',
        'Sort [the numbers|these numbers|this] in descending order: {list}',
        'Sort from [largest to smallest|high to low|highest to lowest]: {list}',
        'Sort descending: {list}',
        'Put {list} in descending order.',
        'Put these numbers in descending order: {list}',
        'Order {list} from [largest to smallest|high to low].',
        'Order these numbers from largest to smallest: {list}',
        'Arrange {list} in descending order.',
        'Can you sort {list} in descending order?',
        'Can you sort these numbers from high to low: {list}',
        '{list} in descending order',
        '{list} sorted descending',
        'What is {list} in descending order?',
        '{list}. Sort them [descending|from largest to smallest].',
        'List these numbers from largest to smallest: {list}',
        'Largest first: {list}',
        'Biggest first: {list}',
        'Sort {list}, [largest|biggest|highest] first.',
        'Reverse sort: {list}',
        'Sort in reverse: {list}',
        '[Sort|Order|Rank] [the|these|my|those|all these] [numbers|values|figures|scores|integers] [in descending order|descending|from largest to smallest|from large to small|from high to low|from the biggest to the smallest|decreasing|biggest first|largest first]: {list}',
        '[Sort|Order|Rank] [my|those|these] [values|figures|scores] {list} [in descending order|descending|from largest to smallest|from large to small|from high to low|from the biggest to the smallest|decreasing|biggest first|largest first].',
        '[Can|Could|Would|Will] you [rank|arrange] {list} [in descending order|descending|from largest to smallest|from large to small|from high to low|from the biggest to the smallest|decreasing|biggest first|largest first]?',
        '{list} [in descending order|descending|from largest to smallest|from large to small|from high to low|from the biggest to the smallest|decreasing|biggest first|largest first]',
        '[I want|I would like|I need] {list} [sorted|ordered|ranked] [in descending order|descending|from largest to smallest|from large to small|from high to low|from the biggest to the smallest|decreasing|biggest first|largest first].',
        '[Numbers|Values|My numbers]: {list}. [Sort|Order|Rank] [|them ][in descending order|descending|from largest to smallest|from large to small|from high to low|from the biggest to the smallest|decreasing|biggest first|largest first].',
      ],
      heldOut: [
        'Could you sort {list} from largest to smallest for me?',
        'Please put the numbers {list} in descending order.',
        'Give me {list} in descending order.',
        'Order the following from high to low: {list}',
        'Sort the numbers {list} by size, biggest first.',
        'Arrange the following numbers from largest to smallest: {list}',
        'Can you order these numbers descending: {list}',
        'Here are numbers: {list}. Put them in descending order.',
      ],
    },
  },
  words: {
    ascending: {
      train: [
        'Sort {list}',
        'Sort: {list}',
        'Sort [these|the] words: {list}',
        'Sort these: {list}',
        'Sort {list} [alphabetically|in alphabetical order|from a to z|from A to Z|by name].',
        'Sort [these words|the words|this list] alphabetically: {list}',
        'Sort alphabetically: {list}',
        'Sort from a to z: {list}',
        'Put {list} in [alphabetical order|order|ABC order].',
        'Put these words in alphabetical order: {list}',
        'Order {list} alphabetically.',
        'Order these words: {list}',
        'Order the words from a to z: {list}',
        'Arrange {list} in alphabetical order.',
        'Arrange these words alphabetically: {list}',
        'Can you sort {list}[| alphabetically]?',
        'Can you put these words in alphabetical order: {list}',
        '{list} in alphabetical order',
        '{list} sorted alphabetically',
        '{list}. Sort them[.| alphabetically.]',
        'Alphabetical order: {list}',
        'Alphabetize {list}',
        'I need {list} in alphabetical order.',
        'List these words alphabetically: {list}',
        'sort words {list}',
        'Sort the names {list}',
        'Sort the following words: {list}',
        'Help me sort {list}',
        '[Sort|Order|Rank] [the|these|my|those|all these] [words|names|items|things|terms|entries] [alphabetically|in alphabetical order|from a to z|from A to Z|by the first letter|by name]: {list}',
        '[Sort|Order] [my|those|these] [items|names|things] {list} [alphabetically|in alphabetical order|from a to z|from A to Z|by the first letter|by name].',
        '[Can|Could|Would|Will] you [list|arrange] {list} [alphabetically|in alphabetical order|from a to z|from A to Z|by the first letter|by name]?',
        '{list} [alphabetically|in alphabetical order|from a to z|from A to Z|by the first letter|by name]',
        '[I would like|I need] {list} [sorted|ordered|listed] [alphabetically|in alphabetical order|from a to z|from A to Z|by the first letter|by name].',
        '[Words|Items|Names|My list]: {list}. [Sort|Order] [|them ][alphabetically|in alphabetical order|from a to z|from A to Z|by the first letter|by name].',
      ],
      heldOut: [
        'Could you sort {list} alphabetically for me?',
        'Please put the words {list} in alphabetical order.',
        'Give me {list} in alphabetical order.',
        'Order the following words from a to z: {list}',
        'Sort the words {list} by the alphabet.',
        'Arrange the following words in alphabetical order: {list}',
        'Can you order these words alphabetically: {list}',
        'Here are words: {list}. Put them in alphabetical order.',
        'I want {list} sorted alphabetically.',
        'Words to sort: {list}',
      ],
    },
    descending: {
      train: [
        'Sort {list} [from z to a|in reverse alphabetical order|descending|in descending order|backwards|in reverse order].',
        'Sort [these words|the words|this list] from z to a: {list}',
        'Sort from Z to A: {list}',
        'Sort [these words|the words] in [reverse alphabetical|descending] order: {list}',
        'Put {list} in reverse alphabetical order.',
        'Put these words in reverse alphabetical order: {list}',
        'Order {list} from z to a.',
        'Order these words from z to a: {list}',
        'Arrange {list} in reverse alphabetical order.',
        'Can you sort {list} from z to a?',
        'Can you put these words in reverse alphabetical order: {list}',
        '{list} in reverse alphabetical order',
        '{list} sorted from z to a',
        '{list}. Sort them [from z to a|in reverse].',
        'Reverse alphabetical order: {list}',
        'Sort descending: {list}',
        'Sort in reverse: {list}',
        'List these words from z to a: {list}',
        '[Sort|Order|Rank] [the|these|my|those|all these] [words|names|items|things|terms|entries] [from z to a|from Z to A|in reverse alphabetical order|in descending order|backwards alphabetically|in reverse order]: {list}',
        '[Sort|Order] [my|those|these] [items|names|things] {list} [from z to a|from Z to A|in reverse alphabetical order|in descending order|backwards alphabetically|in reverse order].',
        '[Can|Could|Would|Will] you [list|arrange] {list} [from z to a|from Z to A|in reverse alphabetical order|in descending order|backwards alphabetically|in reverse order]?',
        '{list} [from z to a|from Z to A|in reverse alphabetical order|in descending order|backwards alphabetically|in reverse order]',
        '[I would like|I need] {list} [sorted|ordered|listed] [from z to a|from Z to A|in reverse alphabetical order|in descending order|backwards alphabetically|in reverse order].',
        '[Words|Items|Names|My list]: {list}. [Sort|Order] [|them ][from z to a|from Z to A|in reverse alphabetical order|in descending order|backwards alphabetically|in reverse order].',
      ],
      heldOut: [
        'Could you sort {list} from z to a for me?',
        'Please put the words {list} in reverse alphabetical order.',
        'Give me {list} from z to a.',
        'Order the following words in reverse alphabetical order: {list}',
        'Arrange the following words from z to a: {list}',
        'Can you order these words from z to a: {list}',
        'Here are words: {list}. Put them in reverse alphabetical order.',
        'I want {list} sorted from z to a.',
      ],
    },
  },
}

const FOLLOW_UP: Record<Direction, Templates> = {
  descending: {
    train: [
      'Now in descending order.',
      'And descending?',
      'Now in reverse.',
      'Now backwards',
      'Reverse it.',
      'And the other way around?',
      'reverse order please',
      'Now the reverse',
    ],
    heldOut: ['Now descending.', 'And in reverse order?', 'Please reverse that.', 'And backwards?'],
  },
  ascending: {
    train: [
      'Now in ascending order.',
      'And ascending?',
      'Now in reverse.',
      'Now backwards',
      'Reverse it.',
      'And the other way around?',
      'reverse order please',
      'Now the reverse',
    ],
    heldOut: ['Now ascending.', 'And in reverse order?', 'Please reverse that.', 'And backwards?'],
  },
}

/** The largest or smallest of some numbers: half of what sorting is asked for. */
const WRITTEN_EXTREMES: Record<'largest' | 'smallest', Templates> = {
  largest: {
    train: [
      'What is the [largest|biggest|highest|greatest] number: {list}',
      'What is the [largest|biggest|highest] of {list}?',
      'Which is the [largest|biggest|highest] number: {list}',
      'Which number is the [largest|biggest|highest]: {list}',
      'Which is [bigger|larger|greater|more]: {list}?',
      '[Largest|Biggest|Highest|Maximum] of {list}',
      'Find the [largest|biggest|maximum|highest] number: {list}',
      'max of {list}',
      'max: {list}',
      'What is the maximum of {list}?',
    ],
    heldOut: [
      'Tell me the largest number of {list}.',
      'Give me the biggest of these numbers: {list}',
      'Which one is the highest: {list}',
      'What number is the maximum: {list}',
    ],
  },
  smallest: {
    train: [
      'What is the [smallest|lowest|least] number: {list}',
      'What is the [smallest|lowest] of {list}?',
      'Which is the [smallest|lowest] number: {list}',
      'Which number is the [smallest|lowest]: {list}',
      'Which is [smaller|less|lower]: {list}?',
      '[Smallest|Lowest|Minimum] of {list}',
      'Find the [smallest|minimum|lowest] number: {list}',
      'min of {list}',
      'min: {list}',
      'What is the minimum of {list}?',
    ],
    heldOut: [
      'Tell me the smallest number of {list}.',
      'Give me the lowest of these numbers: {list}',
      'Which one is the smallest: {list}',
      'What number is the minimum: {list}',
    ],
  },
}

const wordingOf = (phrase: string) => withoutPoliteness(normalise(phrase))
/** A wording held out for one order or for words is held out for all. */
const ALL = Object.values(WRITTEN).flatMap(({ ascending, descending }) => [
  ...ascending.heldOut,
  ...descending.heldOut,
])
const wide = (items: Items, direction: Direction) =>
  widened(WRITTEN[items][direction], SORTING_WORDINGS[items][direction], wordingOf, ALL)
const TEMPLATES: Record<Items, Record<Direction, Templates>> = {
  numbers: { ascending: wide('numbers', 'ascending'), descending: wide('numbers', 'descending') },
  words: { ascending: wide('words', 'ascending'), descending: wide('words', 'descending') },
}
const EXTREMES = {
  largest: widened(WRITTEN_EXTREMES.largest, EXTREME_WORDINGS.largest, wordingOf),
  smallest: widened(WRITTEN_EXTREMES.smallest, EXTREME_WORDINGS.smallest, wordingOf),
}

const compareWords = (a: string, b: string) => {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()]
  return x < y ? -1 : x > y ? 1 : 0
}

function numbers(random: Random, split: Split, count: number): string[] {
  for (;;) {
    const max = random.pick([9, 20, 99, 99, 99, 99])
    const list = Array.from({ length: count }, () => random.between(0, max))
    if (new Set(list).size < count) continue
    if (entitySplit([...list].sort((a, b) => a - b).join(',')) === split) return list.map(String)
  }
}

/** Words whose first letters differ: all that has to be compared. Made-up ones only train. */
function wordList(random: Random, split: Split, count: number): string[] {
  const pool = lexicon(split)
  const kind = random.weighted({ nouns: 70, names: 14, cities: 8, colors: 8 })
  const wanted = { names: pool.firstNames, cities: pool.cities, colors: pool.colors, nouns: pool.nouns }[kind]
  const letters = (words: readonly string[]) => new Set(words.map(word => word[0]?.toLowerCase())).size
  const source = letters(wanted) < 2 * count ? pool.nouns : wanted
  const list: string[] = []
  while (list.length < count) {
    const word = wordLike(random, split, source, 0.5)
    if (!list.some(other => other[0]?.toLowerCase() === word[0]?.toLowerCase())) list.push(word)
  }
  const style = random.below(10)
  if (style === 0) return list.map(word => capitalise(word))
  return style < 4 ? list.map(word => word.toLowerCase()) : list
}

/** Ways to write a list that only training has, so that no one separator is relied on. */
const FURTHER_SEPARATORS = ['; ', '\n', '\n- ', ' / ', ' | ', ' - ', ' , ', '  ', ', and ', ' and ', ' then ']

function joined(list: readonly string[], random: Random, split: Split): string {
  if (split === 'train' && random.chance(0.07)) return list.join(random.pick(FURTHER_SEPARATORS))
  const style = random.weighted({ comma: 72, tight: 5, space: 13, and: 10 })
  if (style === 'space' && list.every(item => !item.includes(' '))) return list.join(' ')
  if (style === 'tight') return list.join(',')
  return style === 'and' ? `${list.slice(0, -1).join(', ')} and ${list.at(-1)}` : list.join(', ')
}

function extreme(random: Random, split: Split): Example {
  const which = random.chance(0.6) ? 'largest' : 'smallest'
  const list = numbers(random, split, random.pick([2, 2, 3, 3, 4]))
  const template = pickTemplate(EXTREMES[which], split, random)
  const joiner =
    list.length === 2 && random.chance(0.6) ? `${list[0]} or ${list[1]}` : joined(list, random, split)
  const values = list.map(Number)
  return {
    kind: 'sorting',
    template,
    user: retype(expand(template, { list: joiner }, random), random),
    assistant: String(which === 'largest' ? Math.max(...values) : Math.min(...values)),
    entities: [values.sort((a, b) => a - b).join(',')],
  }
}

function generate(random: Random, split: Split): Example {
  if (random.chance(0.06)) return extreme(random, split)
  const items: Items = random.chance(0.55) ? 'numbers' : 'words'
  const direction: Direction = random.chance(0.67) ? 'ascending' : 'descending'
  const count = random.pick([2, 3, 3, 3, 4, 4, 5])
  const list = items === 'numbers' ? numbers(random, split, count) : wordList(random, split, count)
  const template = pickTemplate(TEMPLATES[items][direction], split, random)
  const user = retype(expand(template, { list: joined(list, random, split) }, random), random)
  return ordered(template, user, list, items, direction)
}

function ordered(
  template: string,
  user: string,
  list: readonly string[],
  items: Items,
  direction: Direction,
): Example {
  const compare = items === 'numbers' ? (a: string, b: string) => Number(a) - Number(b) : compareWords
  const sorted = [...list].sort((a, b) => (direction === 'ascending' ? compare(a, b) : compare(b, a)))
  const other: Direction = direction === 'ascending' ? 'descending' : 'ascending'
  return {
    kind: 'sorting',
    template,
    user,
    assistant: sorted.join(', '),
    entities: items === 'numbers' ? [[...list].sort((a, b) => Number(a) - Number(b)).join(',')] : list,
    followUp: (random, split) => {
      const next = pickTemplate(FOLLOW_UP[other], split, random)
      const { followUp: _once, ...reversed } = ordered(
        next,
        retype(expand(next, {}, random), random),
        list,
        items,
        other,
      )
      return reversed
    },
  }
}

/** Numbers and words into ascending or descending order; the answer is the list with ", " between. */
export const sorting: Generator = {
  kind: 'sorting',
  templates: {
    numbersAscending: TEMPLATES.numbers.ascending,
    numbersDescending: TEMPLATES.numbers.descending,
    wordsAscending: TEMPLATES.words.ascending,
    wordsDescending: TEMPLATES.words.descending,
    largest: EXTREMES.largest,
    smallest: EXTREMES.smallest,
    thenDescending: FOLLOW_UP.descending,
    thenAscending: FOLLOW_UP.ascending,
  },
  generate,
}
