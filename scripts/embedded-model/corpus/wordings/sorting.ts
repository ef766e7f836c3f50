/**
 * Further wordings of sorting, for training alone: every verb with every name of what is sorted, and the list before, in
 * or after the sentence.
 */
export type Wordings = readonly string[]

const VERB = '[Sort|Order|Arrange|Organize|Line up|Rank|Reorder|List|Write|Print|Return|Show|Give me]'
const THEM =
  '[Sort|Order|Arrange|Organize|List|Rank|Write|Show|Put] [them|these|it all|everything|all of them]'
const ASK = '[Can|Could|Would|Will] you [|please ]'
const WISH =
  "[I want|I need|I would like|I'd like|We need|Let me have|Let me see|Give me|Show me|Return|I am looking for]"

interface Names {
  /** What the items are called, after a verb: "the words". */
  these: string
  /** The order, after the list. */
  way: string
  /** The order as a thing that can be asked for: "the alphabetical order". */
  order: string
}

function wordings({ these, way, order }: Names): Wordings {
  return [
    `${VERB} ${these} {list} ${way}.`,
    `${VERB} ${these} {list} for me, ${way}.`,
    `${VERB} ${these}, {list}, ${way}.`,
    `${VERB} ${these} ${way}: {list}`,
    `${VERB} ${these} below ${way}:\n{list}`,
    `${VERB} ${way}: {list}`,
    `[Put|Place|Bring|Set|Get] ${these} {list} [into|in] [|the ][right |correct |proper |]${order}.`,
    `[Put|Place|Bring|Set|Get|Write|Show|Return] [|all ]${these} [into|in] ${order}: {list}`,
    `[Put|Place|Bring|Set|Get|Write|Show|Return] {list} [into|in] ${order}.`,
    `${ASK}[sort|order|organize|rank|list|line up|arrange|write] ${these} {list} ${way}?`,
    `${ASK}[sort|order|organize|rank|list|line up|arrange|write] ${these} ${way}: {list}`,
    `${ASK}[sort|order|organize|rank|list|line up|arrange|write] ${these} ${way}? {list}`,
    `${ASK}[put|bring|place] ${these} {list} [into|in] ${order}?`,
    `${ASK}[put|bring|place] {list} [into|in] ${order}?`,
    `${WISH} ${these} {list} ${way}.`,
    `${WISH} ${these} ${way}: {list}`,
    `${WISH} {list} ${way}.`,
    `${WISH} {list} [in|put into|brought into] ${order}.`,
    `[I want|I need|I would like|I'd like|I ask] you to [sort|order|arrange|list|rank] ${these} {list} ${way}.`,
    `[I want|I need|I would like|I'd like|I ask] you to [sort|order|arrange|list|rank] {list} ${way}.`,
    `[I want to|I have to|I need to|We must|Help me to|My task is to|Let us] [sort|order|arrange|list|rank] ${these} ${way}: {list}`,
    `[I have|I got|We have|There are|You see|You get|Take|Look at|Consider|Given] ${these}: {list}. ${THEM} ${way}.`,
    `[I have|I got|We have|You get|Take|Given] {list}. ${THEM} ${way}.`,
    `[Below are|These are|This is a list of|Those are|Now come] ${these}: {list}. ${THEM} ${way}.`,
    `[Given|Take|Use|Read] {list}[,| and] [sort|order|arrange|list|rank] them ${way}.`,
    `{list}. ${ASK}[sort|order|arrange|list|rank|write] [them|these|this list] ${way}?`,
    `{list}. [What is|Tell me|Give me|I need|Show] [the|their] ${order}[.|?]`,
    `{list} [-|->|=|,] [sort|order|arrange|list|rank] [|them |these ]${way}`,
    `{list} [should be|must be|need to be|have to be|are to be|please] [sorted|ordered|arranged|listed] ${way}.`,
    `[What is|What would be|Which is|Tell me|Do you know|I need|Find] the ${order} of [|${these} ]{list}?`,
    `[How do|How would|How should] [|${these} ]{list} [look|go|be|read] [when sorted |when ordered |]${way}?`,
    `[How do I|How would you|How can I] [sort|order|arrange|list] [|${these} ]{list} ${way}?`,
    `[The ${order} of|The ${order} for] [|${these} ]{list}`,
    `${order}: {list}`,
    `${order}, please: {list}`,
    `In ${order}: {list}`,
    `[List|My list|The list|Data|Input|Values|Things]: {list}. [Order|Task|Wanted|Output|Result]: ${way}`,
    `Sorting ${way}: {list}`,
    `[Sorted|Ordered|Arranged|Ranked|Listed] ${way}: {list}`,
    `${way}: {list}`,
    `[Make|Build|Write|Create|Produce] [a list|a sorted list|one list] ${way} [of|from|with|out of] [|${these} ]{list}.`,
  ]
}

const NUMBERS = {
  these:
    '[the numbers|these numbers|those numbers|the following numbers|my numbers|all numbers|the values|these values|the figures|these scores|the list|this list|the digits|some numbers]',
  up: '[in ascending order|ascending|from smallest to largest|from low to high|from the lowest to the highest|from least to greatest|smallest first|lowest first|upwards|increasing|by size|with the smallest first]',
  upOrder: '[ascending order|increasing order|order|rising order|order of size]',
  down: '[in descending order|descending|from largest to smallest|from high to low|from the highest to the lowest|from greatest to least|largest first|highest first|downwards|decreasing|with the largest first|in reverse order]',
  downOrder: '[descending order|decreasing order|falling order|reverse order]',
}
const WORDS = {
  these:
    '[the words|these words|those words|the following words|my words|all words|the names|these names|the items|these items|the list|this list|the entries|these things]',
  up: '[alphabetically|in alphabetical order|from a to z|from A to Z|by the alphabet|by letter|by first letter|in ABC order|by name|a to z|in the order of the alphabet|starting with a]',
  upOrder: '[alphabetical order|alphabetic order|order|ABC order|A to Z order|alphabetical sequence]',
  down: '[in reverse alphabetical order|from z to a|from Z to A|reverse alphabetically|alphabetically backwards|in backward order|in descending order|z to a|in reverse|starting with z|in reversed alphabetical order|backwards]',
  downOrder:
    '[reverse alphabetical order|descending order|reversed alphabetical order|Z to A order|backward alphabetical order]',
}

export const SORTING_WORDINGS = {
  numbers: {
    ascending: wordings({ these: NUMBERS.these, way: NUMBERS.up, order: NUMBERS.upOrder }),
    descending: wordings({ these: NUMBERS.these, way: NUMBERS.down, order: NUMBERS.downOrder }),
  },
  words: {
    ascending: wordings({ these: WORDS.these, way: WORDS.up, order: WORDS.upOrder }),
    descending: wordings({ these: WORDS.these, way: WORDS.down, order: WORDS.downOrder }),
  },
} as const

const extremes = (most: string, more: string, noun: string): Wordings => [
  `[Give|Show|Tell|Name|Find] me the ${most} [number|value|one|figure]: {list}`,
  `[Give|Show|Tell|Name|Pick|Find|Return] [|me ]the ${most} [number |value |one |]of [|the numbers |these numbers |these ]{list}[|.]`,
  `[Pick|Choose|Take|Select|Return|Print|Get] the ${most} [number|value|one]: {list}`,
  `[Pick|Choose|Take|Select|Return|Print|Get] the ${most} [number|value|one] [from|in|out of|among] [|the list |these numbers ]{list}.`,
  `[Which|What] [number|one|value] is ${more}[, | - |: ]{list}?`,
  `[Which|What] [number|one|value] [of|in|among] {list} is [the ${most}|${more}]?`,
  `[Which|What] of [these|these numbers|the following|those] is the ${most}: {list}`,
  `[Which|What] is the ${most} [number|value] [in|among|out of|from] [|the list |these numbers |these ]{list}?`,
  `{list}: [which|what] [is|one is|number is] [the ${most}|${more}]?`,
  `{list}. [Which|What] [is|one is|number is] [the ${most}|${more}]?`,
  `{list} - the ${most}[| number| one| value]?`,
  `[I need|I want|I am looking for|I would like] the ${most} [number|value|one] of [|these numbers ]{list}.`,
  `[Can|Could|Would] you [find|tell me|give me|pick|name] the ${most} [number|value|one] [of|in|from] {list}?`,
  `[Of|Among|From] {list}, [which|what] is the ${most}?`,
  `The ${most} [number|value|one] [of|in|among] {list}[|?]`,
  `[Numbers|Values]: {list}. ${noun}?`,
  `[I have|Here you see|Take] {list}. [Which|What] is the ${most}[| one| number]?`,
  `${noun}: {list}`,
  `[The|Their] ${noun} of {list}`,
]

export const EXTREME_WORDINGS = {
  largest: extremes(
    '[largest|biggest|highest|greatest|maximum|top]',
    '[larger|bigger|higher|greater|more]',
    '[maximum|largest|biggest|highest]',
  ),
  smallest: extremes(
    '[smallest|lowest|least|minimum|littlest]',
    '[smaller|lower|less|littler]',
    '[minimum|smallest|lowest|least]',
  ),
} as const
