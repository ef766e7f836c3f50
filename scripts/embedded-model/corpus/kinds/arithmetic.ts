import type { Example, Generator } from '../example.ts'
import { lexicon, plural, spelled } from '../lexicon.ts'
import { expand } from '../phrase.ts'
import type { Random } from '../random.ts'
import { entitySplit, pickTemplate, type Split, type Templates, templatesOf } from '../split.ts'
import { retype } from '../typing.ts'

/** The largest operands: sums and differences of two-digit numbers, products up to 12 x 12. */
const MAX_TERM = 99
const MAX_FACTOR = 12

/** The answer to every other calculation. */
const TOO_HARD =
  'That is too hard for me. I can add and subtract two numbers up to 99 and multiply up to 12 x 12.'

type Operation = 'add' | 'subtract' | 'multiply'

const EXPRESSION: Templates = {
  train: [
    '{e}',
    '{e}',
    '{e}=',
    '{e} =',
    '{e} = ?',
    '{e}?',
    "[What|what]'s {e}?",
    'What is {e}?',
    'What is the [result|answer] of {e}?',
    'Calculate {e}.',
    'Calculate: {e}',
    'Compute {e}[.|]',
    'How much is {e}?',
    'Solve {e}[.|]',
    'Can you [calculate|work out|compute|solve] {e}[| for me]?',
    'Tell me {e}.',
    'Tell me what {e} is.',
    'Do you know {e}?',
    'What does {e} equal?',
    '{e} equals[| what]?',
    'What do you get for {e}?',
    'Work out {e}[.|]',
    '[Math|Maths|Quick math|Arithmetic|Question]: {e}',
    'I need [the result of |]{e}.',
    'Help me with {e}[.|]',
    'My [homework|exercise] is {e}. What is the answer?',
    'Is it hard to compute {e}?',
    'Answer this: {e}',
    '[And|Next|So]: {e}',
    'What would {e} be?',
    'Add it up: {e}',
    'i want {e}',
    '{e} is',
    '[Calculate|Compute|Solve|Evaluate|Find|Determine|Work out] {e}[| now| for me| quickly].',
    '[Can|Could|Would|Will] you [calculate|compute|solve|evaluate|find|determine] {e}[| for me]?',
    'What [value|result|sum] [do you get|comes out|do I get] [for|when you calculate|of] {e}?',
    '[I want|I would like|I need|I have|I am trying] to [calculate|compute|solve|know the value of] {e}.',
    '{e} [makes|gives|is equal to|comes to] [what|how much]?',
    'How much [makes|would be|are] {e}?',
    'The [result|sum|value] of {e}[| is]?',
    'My [teacher|friend|boss|son|daughter] asks [|me ]what {e} is.',
    '[Check|Do|Try|Now|Also] {e}',
    'I forgot what {e} is.',
    '[Exercise|Problem|Task|Number] [1|2|3|4]: {e}',
    'What is the [value|sum|total|outcome] of {e}?',
    "[Do you know|Can you tell me|Tell me|I don't know] the [answer|result] [to|of|for] {e}.",
    '[What|whats|wats] {e}',
    'and {e}?',
    '[A quick|One more|Another|An easy|A simple] [question|calculation|one]: {e}',
  ],
  heldOut: [
    'Give me the [answer|result] of {e}.',
    'How much does {e} make?',
    'Could you tell me what {e} is?',
    'I want to know {e}.',
    'Please [solve|calculate] this: {e}',
    '{e} is what?',
    "I can't work out {e}, can you?",
    'What number is {e}?',
    'Do the math: {e}',
    'The answer of {e}?',
    'Do you know what {e} makes?',
    'Your next question: {e}',
  ],
}

const WORDS: Record<Operation, Templates> = {
  add: {
    train: [
      'What is {a} plus {b}?',
      "What's {a} plus {b}?",
      'What is {a} and {b}?',
      '{a} plus {b}',
      '{a} plus {b} is?',
      '{a} plus {b} equals?',
      'How much is {a} plus {b}?',
      'Add {a} and {b}.',
      'Add {a} + {b}',
      'What is the sum of {a} and {b}?',
      'Sum of {a} and {b}',
      'Calculate {a} plus {b}.',
      'Calculate the sum of {a} and {b}.',
      'How much is {a} and {b} together?',
      'Sum {a} and {b}',
      'Can you add {a} and {b}[| for me]?',
      'What do {a} and {b} make?',
      'I have {a} {things} and [get|buy|find] {b} more. How many {things} do I have[| now]?',
      'There are {a} {things} [on|under] the table and {b} in the box. How many {things} are there[| in total]?',
      '{name} has {a} {things} and {other} has {b}. How many do they have together?',
      'Tell me {a} plus {b}.',
      'What is {a} added to {b}?',
      'If I add {a} and {b}, what do I get?',
      '[Can|Could|Will|Would] you [add|sum|sum up] {a} and {b}?',
      '[Compute|Find|Give] the [sum|total] of {a} and {b}.',
      'What is the total of {a} and {b}?',
      '[How much|What] [makes|is] {a} [plus|and|added to] {b}?',
      '{a} [and|added to] {b} [makes|gives|is][| what]?',
      'Start with {a} and add {b}.',
      'Take {a} and add {b} to it.',
      'I have {a} {things}. {name} gives me {b} more. How many [|{things} ]do I have?',
      '{name} [baked|made|bought|picked|saw] {a} {things} on Monday and {b} on Tuesday. How many [in total|together|were there]?',
      'A box has {a} {things} and another has {b}. How many {things} [in total|together|are there]?',
      'There are {a} {things}. Then {b} more come. How many are there?',
      '[Yesterday|Today] {name} [sold|found] {a} {things}, and {other} {b}. How many did they [sell|find]?',
    ],
    heldOut: [
      'How much do {a} and {b} make?',
      'Tell me the sum of {a} and {b}.',
      '{a} and {b} together is how much?',
      '{name} [finds|buys] {a} {things} and then {b} more. How many {things} does {name} have?',
      'Could you calculate {a} plus {b}?',
      'I need {a} plus {b}.',
      'Please add the numbers {a} and {b}.',
      'Work out {a} plus {b}.',
    ],
  },
  subtract: {
    train: [
      'What is {a} minus {b}?',
      "What's {a} minus {b}?",
      '{a} minus {b}',
      '{a} minus {b} is?',
      '{a} minus {b} equals?',
      'How much is {a} minus {b}?',
      'Subtract {b} from {a}.',
      'Can you subtract {b} from {a}?',
      'Take {b} away from {a}.',
      'Take {b} from {a}',
      'What is {a} less {b}?',
      'What is the difference [between|of] {a} and {b}?',
      'Difference between {a} and {b}',
      'Calculate {a} minus {b}.',
      'What is left if I take {b} from {a}?',
      'I [had|have] {a} {things} and [gave|give] away {b}. How many {things} are left?',
      'There were {a} {things} in the box. {name} took {b}. How many are left?',
      '{name} has {a} {things} and loses {b}. How many does {name} have now?',
      'Tell me {a} minus {b}.',
      'If I subtract {b} from {a}, what do I get?',
      '[Can|Could|Will|Would] you [take|remove|deduct] {b} from {a}?',
      '[Compute|Find|Give] the difference [between|of] {a} and {b}.',
      'What is {a} take away {b}?',
      'What remains [of|from] {a} minus {b}?',
      '{a} [less|take away|without] {b}',
      'Start with {a} and subtract {b}.',
      'Deduct {b} from {a}.',
      'I have {a} {things} and [eat|lose|sell|use|break|drop] {b}. How many [are left|do I have|remain]?',
      '{name} had {a} {things} and [ate|lost|used|broke|dropped] {b}. How many [are left|remain]?',
      'There are {a} {things} [on the table|in the room]. {name} takes {b} away. How many [are left|remain]?',
      'Of {a} {things}, {b} are [broken|gone|sold]. How many are [left|still there]?',
      'A shop has {a} {things} and sells {b}. How many are left?',
      '{a} {things}, {b} [|are ]gone, how many left?',
    ],
    heldOut: [
      'How much is left of {a} if you take away {b}?',
      'From {a}, subtract {b}.',
      'Tell me the difference between {a} and {b}.',
      '{name} [had|has] {a} {things} and sold {b}. How many {things} are left?',
      'Could you calculate {a} minus {b}?',
      'I need {a} minus {b}.',
      'Work out {a} minus {b}.',
      'What do I get if I take {b} away from {a}?',
    ],
  },
  multiply: {
    train: [
      'What is {a} times {b}?',
      "What's {a} times {b}?",
      '{a} times {b}',
      '{a} times {b} is?',
      '{a} times {b} equals?',
      'How much is {a} times {b}?',
      'Multiply {a} by {b}.',
      'Multiply {a} and {b}.',
      'Can you multiply {a} by {b}?',
      'What is the product of {a} and {b}?',
      'Product of {a} and {b}',
      'Calculate {a} times {b}.',
      'What is {a} multiplied by {b}?',
      '{a} multiplied by {b}',
      'There are {a} boxes with {b} {things} each. How many {things} are there?',
      '{name} buys {a} bags of {b} {things}. How many {things} is that?',
      'Tell me {a} times {b}.',
      '[Can|Could|Will|Would] you [multiply|take] {a} [by|times] {b}?',
      '[Compute|Find|Give] the product of {a} and {b}.',
      '[How much|What] [makes|is] {a} [times|multiplied by|x] {b}?',
      '{a} times {b} [makes|gives|is] [what|how much]?',
      'Start with {a} and multiply by {b}.',
      '[I have|There are|We have] {a} [boxes|bags|shelves|tables] with {b} {things} [each|on each]. How many [in total|{things}]?',
      '{name} has {a} [boxes|bags] of {b} {things}. How many [are there|in total]?',
      'Each of {a} children has {b} {things}. How many {things} [is that|are there]?',
    ],
    heldOut: [
      'How much do you get for {a} times {b}?',
      'Please multiply {a} with {b}.',
      'Tell me the product of {a} and {b}.',
      'There are {a} bags and {b} {things} in each. How many {things} are there?',
      'Could you calculate {a} times {b}?',
      'I need {a} times {b}.',
      'Work out {a} times {b}.',
      'If I multiply {a} by {b}, what do I get?',
    ],
  },
}

const FOLLOW_UP: Record<Operation, Templates> = {
  add: {
    train: [
      'And plus {c}?',
      'plus {c}',
      'Now add {c}.',
      'And {c} more?',
      '+ {c}',
      '+{c}',
      'Add {c} to that.',
      'What if I add {c}?',
      'add {c}',
    ],
    heldOut: ['And what is that plus {c}?', 'Please add {c} to it.', 'And if I add {c}?', 'And now {c} more'],
  },
  subtract: {
    train: [
      'And minus {c}?',
      'minus {c}',
      'Now subtract {c}.',
      'And {c} less?',
      '- {c}',
      '-{c}',
      'Take {c} away from that.',
      'What if I subtract {c}?',
      'subtract {c}',
    ],
    heldOut: [
      'And what is that minus {c}?',
      'Please subtract {c} from it.',
      'And if I take away {c}?',
      'And now {c} less',
    ],
  },
  multiply: {
    train: ['And times {c}?', 'times {c}', 'Now multiply by {c}.', 'Multiply that by {c}.', 'x {c}', '* {c}'],
    heldOut: [
      'And what is that times {c}?',
      'Please multiply it by {c}.',
      'And if I multiply by {c}?',
      'And now times {c}',
    ],
  },
}

const DIVISION: Templates = {
  train: [
    'What is {a} divided by {b}?',
    "What's {a} / {b}?",
    '{a} / {b}',
    '{a}/{b}',
    '{a} : {b}',
    '{a} ÷ {b}',
    'Divide {a} by {b}.',
    '{a} divided by {b}',
    'How much is {a} / {b}?',
    'Calculate {a} / {b}',
    'Can you divide {a} by {b}?',
    '{a}/{b}=',
    'What is {a}/{b}?',
  ],
  heldOut: [
    'I need {a} divided by {b}.',
    'How much is {a} divided by {b}?',
    'Compute {a} / {b}.',
    'What comes out of {a} / {b}?',
  ],
}

const SYMBOLS: Record<Operation, readonly string[]> = {
  add: ['+'],
  subtract: ['-'],
  multiply: ['x', '*', '×', '*'],
}
const SIGN: Record<Operation, string> = { add: '+', subtract: '-', multiply: 'x' }

/** The canonical answer, `17 + 25 = 42`. */
function answer(a: number, operation: Operation, b: number): string {
  const result = operation === 'add' ? a + b : operation === 'subtract' ? a - b : a * b
  return `${a} ${SIGN[operation]} ${b} = ${result}`
}

/** The name by which a calculation is kept in one split; sums are the same in both orders. */
function entity(a: number, operation: Operation, b: number): string {
  return operation === 'add' ? `${Math.min(a, b)}+${Math.max(a, b)}` : `${a}${SIGN[operation]}${b}`
}

/** Operands of the split. Products are facts to be learned, all of them: they are split by template alone. */
function operands(random: Random, operation: Operation, split: Split): [number, number] {
  for (;;) {
    if (operation === 'multiply') {
      const max = random.chance(0.75) ? 9 : MAX_FACTOR
      return [random.between(0, max), random.between(0, max)]
    }
    const small = random.chance(0.25)
    const a = random.between(0, small ? 20 : MAX_TERM)
    const b = random.between(0, small ? 20 : MAX_TERM)
    const [x, y] = operation === 'subtract' && a < b && random.chance(0.75) ? [b, a] : [a, b]
    if (entitySplit(entity(x, operation, y)) === split) return [x, y]
  }
}

function example(template: string, user: string, assistant: string, entities: string[]): Example {
  return { kind: 'arithmetic', template, user, assistant, entities }
}

function calculation(random: Random, split: Split): Example {
  const operation = random.weighted<Operation>({ add: 42, subtract: 38, multiply: 20 })
  const [a, b] = operands(random, operation, split)
  const result: Example = random.chance(0.5)
    ? inSymbols(random, split, a, operation, b)
    : inWords(random, split, a, operation, b)
  const value = operation === 'add' ? a + b : operation === 'subtract' ? a - b : a * b
  return { ...result, followUp: (next, nextSplit) => followUp(next, nextSplit, value) }
}

function inSymbols(random: Random, split: Split, a: number, operation: Operation, b: number): Example {
  const symbol = random.pick(SYMBOLS[operation])
  const e = random.pick([`${a}${symbol}${b}`, `${a} ${symbol} ${b}`, `${a} ${symbol} ${b}`])
  const template = pickTemplate(EXPRESSION, split, random)
  return example(template, retype(expand(template, { e }, random), random), answer(a, operation, b), [
    entity(a, operation, b),
  ])
}

function inWords(random: Random, split: Split, a: number, operation: Operation, b: number): Example {
  const template = pickTemplate(WORDS[operation], split, random)
  const words = lexicon(split)
  const [name = '', other = ''] = random.sample(words.firstNames, 2)
  const say = random.chance(0.1) ? spelled : String
  const slots = { a: say(a), b: say(b), things: plural(random.pick(words.things)), name, other }
  const counts = template.includes('{things}')
  const [x, y] = counts && operation === 'subtract' && a < b ? [b, a] : [a, b]
  if (x !== a) {
    if (entitySplit(entity(x, operation, y)) !== split) return inSymbols(random, split, a, operation, b)
    slots.a = say(x)
    slots.b = say(y)
  }
  return example(template, retype(expand(template, slots, random), random), answer(x, operation, y), [
    entity(x, operation, y),
  ])
}

function followUp(random: Random, split: Split, value: number): Example | undefined {
  const operation = random.weighted<Operation>({ add: 45, subtract: 40, multiply: 15 })
  if (value < 0 || value > (operation === 'multiply' ? MAX_FACTOR : MAX_TERM)) return undefined
  const c = random.between(1, operation === 'multiply' ? 9 : 60)
  if (operation !== 'multiply' && entitySplit(entity(value, operation, c)) !== split) return undefined
  const template = pickTemplate(FOLLOW_UP[operation], split, random)
  const user = retype(expand(template, { c: String(c) }, random), random)
  const next = operation === 'add' ? value + c : operation === 'subtract' ? value - c : value * c
  return {
    ...example(template, user, answer(value, operation, c), [entity(value, operation, c)]),
    followUp: (r, s) => followUp(r, s, next),
  }
}

/** Operands past what the model was taught: an honest refusal beats a wrong number. */
function tooBig(random: Random, split: Split): Example {
  const operation = random.weighted<Operation>({ add: 35, subtract: 30, multiply: 35 })
  const big = () => random.between(100, random.pick([999, 999, 9999, 99999]))
  const [a, b] =
    operation === 'multiply' && random.chance(0.6)
      ? [random.between(13, 99), random.between(2, 99)]
      : [big(), random.chance(0.5) ? big() : random.between(1, 99)]
  const [x, y] = random.chance(0.75) ? [a, b] : [b, a]
  const found = random.chance(0.5)
    ? inSymbols(random, split, x, operation, y)
    : inPlainWords(random, split, x, operation, y)
  return { ...found, assistant: TOO_HARD }
}

function inPlainWords(random: Random, split: Split, a: number, operation: Operation, b: number): Example {
  const template = random.pick(
    templatesOf(WORDS[operation], split).filter(text => !text.includes('{things}')),
  )
  const slots = { a: String(a), b: String(b) }
  return example(template, retype(expand(template, slots, random), random), TOO_HARD, [
    entity(a, operation, b),
  ])
}

/** Several operations at once. */
function mixed(random: Random, split: Split): Example {
  for (;;) {
    const found = mixedOfAnySplit(random, split)
    if (entitySplit(found.entities[0] ?? '') === split) return found
  }
}

function mixedOfAnySplit(random: Random, split: Split): Example {
  const n = () => random.between(1, random.pick([9, 9, 20, 99]))
  const [a, b, c] = [n(), n(), n()]
  const symbols = random.sample([' + ', ' - ', ' * ', ' x '], 2)
  const words = random.sample([' plus ', ' minus ', ' times '], 2)
  const [first = '', second = ''] = random.chance(0.6) ? symbols : words
  const e = random.pick([
    `${a}${first}${b}${second}${c}`,
    `${a}${first}${b}${first}${c}`,
    `(${a}${first}${b})${second}${c}`,
    `${a}${first}(${b}${second}${c})`,
    `${a}${first}${b}${second}${c}${first}${n()}`,
  ])
  const template = pickTemplate(EXPRESSION, split, random)
  return example(template, retype(expand(template, { e }, random), random), TOO_HARD, [
    `${a}${first}${b}${second}${c}`,
  ])
}

function division(random: Random, split: Split): Example {
  const a = random.between(1, random.pick([20, 100, 999]))
  const b = random.between(1, random.pick([9, 12, 50]))
  const template = pickTemplate(DIVISION, split, random)
  return example(
    template,
    retype(expand(template, { a: String(a), b: String(b) }, random), random),
    TOO_HARD,
    [`${a}/${b}`],
  )
}

/** Small sums, differences and products, in symbols and in words; larger ones and division are declined. */
export const arithmetic: Generator = {
  kind: 'arithmetic',
  templates: {
    expression: EXPRESSION,
    add: WORDS.add,
    subtract: WORDS.subtract,
    multiply: WORDS.multiply,
    addOn: FOLLOW_UP.add,
    subtractOn: FOLLOW_UP.subtract,
    multiplyOn: FOLLOW_UP.multiply,
    division: DIVISION,
  },
  generate(random, split) {
    const form = random.weighted({ calculation: 87, mixed: 4, tooBig: 6, division: 3 })
    if (form === 'calculation') return calculation(random, split)
    if (form === 'mixed') return mixed(random, split)
    return form === 'tooBig' ? tooBig(random, split) : division(random, split)
  },
}
