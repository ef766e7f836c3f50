import type { Example, Generator } from '../example.ts'
import { capitalise, lexicon } from '../lexicon.ts'
import { expand, normalise, textOf } from '../phrase.ts'
import type { Random } from '../random.ts'
import { pickTemplate, type Split, splitPool, type Templates, widened } from '../split.ts'
import { retype, withoutPoliteness } from '../typing.ts'
import { SENTIMENT_QUESTIONS, SENTIMENT_WORDINGS } from '../wordings/sentiment.ts'

type Label = 'positive' | 'negative' | 'neutral'

/** How the question is asked around the sentence `{s}`. */
const WRITTEN_QUESTIONS: Templates = {
  train: [
    'Is this positive or negative: {s}',
    'Is this positive, negative or neutral: {s}',
    'Is this sentence positive or negative: {s}',
    'Is this [review|comment|text|message] positive or negative? {s}',
    'Positive or negative? {s}',
    'Positive, negative or neutral? {s}',
    'positive or negative: {s}',
    'What is the sentiment of this [sentence|text|review|comment]: {s}',
    'What is the sentiment of: {s}',
    'What is the sentiment? {s}',
    'Sentiment: {s}',
    'Sentiment of this sentence: {s}',
    'Sentiment of "{s}"',
    'Classify the sentiment: {s}',
    'Classify this [sentence|review|text]: {s}',
    'Classify the sentiment of this [sentence|review]: {s}',
    'Tell me the sentiment: {s}',
    'Tell me if this is positive or negative: {s}',
    'Judge the sentiment: {s}',
    'What is the mood of this sentence: {s}',
    'Is "{s}" positive or negative?',
    'Is "{s}" a positive or a negative sentence?',
    '"{s}" - positive or negative?',
    '"{s}" is that positive or negative?',
    '{s} Is this positive or negative?',
    '{s} What is the sentiment?',
    '{s} positive or negative?',
    'Is this good or bad: {s}',
    'Is the following sentence positive or negative? {s}',
    'Does this sound positive or negative? {s}',
    'How does this sound, positive or negative: {s}',
    'Find the sentiment: {s}',
    'Rate the sentiment: {s}',
    'A customer wrote: {s} Is that positive or negative?',
    'Sentiment analysis: {s}',
    'Do a sentiment analysis of this: {s}',
    '[Is|Was] [this|that|it|the following] [|sentence |text |review |comment |message |statement |feedback ][positive or negative|negative or positive|positive, negative or neutral|good or bad]: {s}',
    '[Judge|Classify|Rate|Label|Analyze|Find] [this|the|the following] [sentence|text|review|comment|message|statement|feedback][| as positive or negative| by sentiment]: {s}',
    '[What|Which] [sentiment|mood|feeling|tone] [does this have|is this|has this|is in this sentence|has the text]: {s}',
    '[Tell|Show] me [if|whether] [this|it|the sentence|the text] is [positive or negative|positive, negative or neutral|good or bad]: {s}',
    '[My friend|A user|A guest|A client|He|She|My boss] [wrote|said]: "{s}" [Positive or negative?|Is it good or bad?|Sentiment?|What is the mood?]',
    '{s} [Is this|Was this|Is it] [positive or negative|positive, negative or neutral|good or bad]?',
    '{s} [Sentiment|Mood|Tone|Feeling]?',
    '[The|] [sentiment|mood|tone] of [this text|this comment|the sentence] "{s}"',
    '[positive/negative|pos or neg|good or bad|happy or sad]: {s}',
  ],
  heldOut: [
    'Is the sentiment of this sentence positive or negative: {s}',
    'Please classify this comment as positive, negative or neutral: {s}',
    'What sentiment does this sentence have? {s}',
    'Tell me the mood of this review: {s}',
    'Would you say this is positive or negative? {s}',
    'Someone wrote: "{s}" Is it positive or negative?',
    'Give me the sentiment of "{s}"',
    '{s} Is that sentence positive, negative or neutral?',
    'Can you judge if this text is positive or negative: {s}',
    'Determine the sentiment of the following sentence: {s}',
  ],
}

/**
 * The sentences. `{x}` is what is spoken of, `{pos}`, `{neg}` and `{neu}` adjectives; words that carry the
 * sentiment must have been learned, so only what they are said of, and how, is held out.
 */
const WRITTEN: Record<Label, Templates> = {
  positive: {
    train: [
      'The {x} [is|was] {pos}.',
      'The {x} [is|was] [very|really|so|truly|absolutely] {pos}!',
      'The {x} is {pos} and {pos2}.',
      'What a {pos} {x}!',
      'This {x} is {pos}.',
      'This is a {pos} {x}.',
      'I [love|really love|like|adore|enjoy|really like] this {x}.',
      'I [love|like|enjoyed|loved] the {x}[.|!| a lot.| very much.]',
      'We [loved|enjoyed|liked] the {x}.',
      'My {x} works [perfectly|very well|great].',
      'I am [very |really |so |]happy with the {x}.',
      'I am [glad|pleased|delighted] that I bought this {x}.',
      'The best {x} I have ever [had|seen|used|bought].',
      'This is the best {x} in town.',
      'I would [buy|recommend] this {x} [again|to everyone].',
      'The {x} made me [smile|happy].',
      'Everyone [loved|liked|enjoyed] the {x}.',
      'Thank you for the {pos} {x}!',
      'I can recommend the {x}.',
      'The {x} is worth every cent.',
      'The {x} was better than I expected.',
      'I had a {pos} time with the {x}.',
      'The {x} is {pos}, I love it.',
      'Great {x}, [fast delivery|fair price|friendly staff].',
      'The {x} was [not bad at all|never boring].',
      'I have no complaints about the {x}.',
      'Five stars for the {x}!',
      'It was a {pos} {x}.',
      'I feel {happy}[ today|].',
      'I am so {happy}!',
      'Today was a {pos} day.',
      'The {x} is so {pos} that I [smiled|cried with joy|told everyone].',
      'I [think|find|believe] the {x} [is|was] {pos}.',
      'I find this {x} {pos}.',
      'The {x} was {pos} and the {x2} was {pos2}.',
      'The {x} looks {pos} and works well.',
      'What a {pos} and {pos2} {x}!',
      'The {x} did not disappoint us.',
      'I could not be happier with the {x}.',
      '[I have never|We never|I never] [seen|had|used] a better {x}.',
      'There is no better {x}[| in {city}].',
      "It [does not|doesn't] get better than this {x}.",
      '[Nobody|No one] makes a better {x}.',
      'I was sad when the {x} ended, it was so {pos}.',
      'The {x} is [far|much] better than [the old one|others|before].',
      'We had so much fun with the {x}.',
      'You did a {pos} job with the {x}.',
      'Best {x} ever!',
      'I will come back for the {x}.',
      'Nothing beats this {x}.',
      'The {x} exceeded my expectations.',
      'I am a big fan of the {x}.',
      'The {x} saved my day.',
      'It works, and it is {pos}.',
      '{Pos}!',
      'So {pos}.',
      'Very {pos} {x}.',
      '{Pos} {x}, I would buy it again.',
      'Everything was {pos}.',
    ],
    heldOut: [
      'I think the {x} is really {pos}.',
      'We are very happy with this {pos} {x}.',
      'My friends loved the {x} and I enjoyed it too.',
      'It is a {pos} {x} and I would buy it again.',
      'The new {x} is {pos} and works very well.',
      'Honestly, the {x} was so {pos}!',
      'I am delighted with the {x}.',
      'Never had a better {x}, it is {pos}.',
    ],
  },
  negative: {
    train: [
      'The {x} [is|was] {neg}.',
      'The {x} [is|was] [very|really|so|truly|absolutely] {neg}!',
      'The {x} is {neg} and {neg2}.',
      'What a {neg} {x}!',
      'This {x} is {neg}.',
      'This is a {neg} {x}.',
      'I [hate|really hate|dislike|regret] this {x}.',
      'I [hate|dislike|hated] the {x}[.|!| a lot.| very much.]',
      'We [hated|disliked] the {x}.',
      'My {x} [broke|stopped working] after [one day|a week].',
      'I am [very |really |so |]unhappy with the {x}.',
      'I am [sad|angry|annoyed] that I bought this {x}.',
      'The worst {x} I have ever [had|seen|used|bought].',
      'This is the worst {x} in town.',
      'I would not [buy|recommend] this {x}[ again| to anyone].',
      'The {x} made me [cry|sad|angry].',
      'Everyone [hated|disliked] the {x}.',
      'I want my money back for this {neg} {x}!',
      'I cannot recommend the {x}.',
      'The {x} is a waste of [money|time].',
      'The {x} was worse than I expected.',
      'I had a {neg} time with the {x}.',
      'The {x} is {neg}, I hate it.',
      'Bad {x}, [slow delivery|too expensive|rude staff].',
      'The {x} [is|was] not {pos}.',
      'I do not like the {x}[.| at all.]',
      "I don't like this {x}.",
      'The {x} does not work.',
      'I am not happy with the {x}.',
      'I am [disappointed|very disappointed] with the {x}.',
      'One star for the {x}!',
      'It was a {neg} {x}.',
      'I feel {sad}[ today|].',
      'I am so {sad}!',
      'Today was a {neg} day.',
      'The {x} is so {neg} that I [cried|left|want my money back].',
      'I [think|find|believe] the {x} [is|was] {neg}.',
      'I find this {x} {neg}.',
      'The {x} was {neg} and the {x2} was {neg2}.',
      'The {x} looks {neg} and works badly.',
      'What a {neg} and {neg2} {x}!',
      'The {x} disappointed us.',
      'I could not be more unhappy with the {x}.',
      '[I have never|We never|I never] [seen|had|used] a worse {x}.',
      'There is no worse {x}[| in {city}].',
      "It [does not|doesn't] get worse than this {x}.",
      '[Nobody|No one] makes a worse {x}.',
      'I was happy when the {x} ended, it was so {neg}.',
      'The {x} is [far|much] worse than [the old one|others|before].',
      'We had no fun with the {x}.',
      'You did a {neg} job with the {x}.',
      'Worst {x} ever!',
      'I will never come back.',
      'I will never buy this {x} again.',
      'Nobody should buy this {x}.',
      'The {x} ruined my day.',
      'The {x} was cold and the {x2} was {neg}.',
      'The {x} is too [expensive|slow|loud|small|late|cold|heavy].',
      'The {x} was late and [cold|broken|wrong].',
      'It broke, and it is {neg}.',
      '{Neg}!',
      'So {neg}.',
      'Very {neg} {x}.',
      '{Neg} {x}, I would not buy it again.',
      'Everything was {neg}.',
      'The {x} never works.',
      'I had to wait [two hours|too long] for the {x}.',
      'Nothing works.',
      'This is not {pos}.',
      'It was not a {pos} {x}.',
      'I am tired of this {x}.',
    ],
    heldOut: [
      'I think the {x} is really {neg}.',
      'We are very unhappy with this {neg} {x}.',
      'My friends hated the {x} and I disliked it too.',
      'It is a {neg} {x} and I would not buy it again.',
      'The new {x} is {neg} and does not work.',
      'Honestly, the {x} was so {neg}!',
      'I am annoyed with the {x}.',
      'Never had a worse {x}, it is {neg}.',
    ],
  },
  neutral: {
    train: [
      'The {x} [is|was] {neu}.',
      'The {x} costs {n} [dollars|euros].',
      'The {x} arrives on {day}.',
      'The {x} opens at {n} on {day}.',
      'I bought a {x} on {day}.',
      'I have a {x} at home.',
      'There is a {x} [in the room|on the table|next door].',
      'The {x} is in the [kitchen|garden|office|car].',
      'We will see the {x} on {day}.',
      'The {x} weighs {n} kilos.',
      'The {x} was made in {city}.',
      'The {x} is from {city}.',
      '{name} has a {neu} {x}.',
      '{name} asked about the {x}.',
      'The {x} has {n} parts.',
      'This {x} is {neu}.',
      'It is a {neu} {x}.',
      'The {x} is {n} years old.',
      'You can find the {x} in {city}.',
      'The meeting starts at {n}.',
      'The train leaves at {n} on {day}.',
      'It is {day} today.',
      'My name is {name}.',
      '{name} lives in {city}.',
      'The {x} comes in a box of {n}.',
      'They moved the {x} to {city}.',
      'The {x} is on the {x2}.',
      '{name} [bought|sold|has|took|sent] [a|the] {x}[| on {day}| in {city}].',
      'The {x} and the {x2} are {neu}.',
      'We have {n} [chairs|books|boxes|cups] in the office.',
      'The {x} [will start|ends|begins|closes] at {n}.',
      'He [works|lives|was born] in {city}.',
      'She [drives|goes|walks] to {city} on {day}.',
      'The box contains a {x} and a {x2}.',
      'Please send the {x} to {name}.',
      'The number of the {x} is {n}.',
      'Water boils at 100 degrees.',
      'The [shop|bank|office|school] is next to the {x}.',
      'There are {n} people in the room.',
      'The {x} has {n} pages.',
      'The address is {n} Main Street, {city}.',
    ],
    heldOut: [
      'On {day} the {x} arrives in {city}.',
      '{name} bought a {neu} {x} in {city}.',
      'The {x} of {name} weighs {n} kilos.',
      'There are {n} parts in the {x}.',
      'The {neu} {x} costs {n} euros.',
      'We will see {name} in {city} on {day}.',
      'The {x} in the office is {neu}.',
      'You can find a {neu} {x} next door.',
    ],
  },
}

const wordingOf = (phrase: string) => withoutPoliteness(normalise(phrase))
const QUESTIONS = widened(WRITTEN_QUESTIONS, SENTIMENT_QUESTIONS, wordingOf)
const SENTENCES: Record<Label, Templates> = {
  positive: widened(WRITTEN.positive, SENTIMENT_WORDINGS.positive, wordingOf),
  negative: widened(WRITTEN.negative, SENTIMENT_WORDINGS.negative, wordingOf),
  neutral: widened(WRITTEN.neutral, SENTIMENT_WORDINGS.neutral, wordingOf),
}

const list = (text: string) => text.trim().split(/\s+/)
const POSITIVE =
  list(`good great nice wonderful excellent fantastic lovely beautiful amazing awesome perfect superb
  brilliant delightful pleasant charming outstanding impressive enjoyable delicious funny helpful friendly comfortable
  cool marvelous terrific splendid magnificent useful reliable clever sweet gorgeous fabulous incredible exciting`)
const NEGATIVE =
  list(`bad terrible awful horrible boring ugly poor disappointing dreadful disgusting useless annoying
  unpleasant rude dirty broken weak stupid sad nasty painful lousy cheap noisy slow worthless miserable pathetic
  confusing uncomfortable unreliable ridiculous tasteless depressing shocking frustrating`)
const NEUTRAL = list(
  'red blue green black white gray brown small large round square wooden metal plastic empty closed ' +
    'open new old tall short long wide thin yellow',
)
const HAPPY = list('happy great good wonderful excited glad cheerful proud grateful relaxed fantastic')
const SAD = list('sad bad terrible angry lonely tired unhappy miserable awful depressed annoyed upset')
const DAYS = list('Monday Tuesday Wednesday Thursday Friday Saturday Sunday')

/** What a sentence can be about, besides things. */
const SUBJECTS = splitPool(
  `movie film book song hotel restaurant food pizza soup coffee breakfast dinner room service staff concert show play game
  product phone laptop camera app website software update course lesson teacher doctor driver trip flight train bus
  holiday beach park museum city weather party meal cake dessert wine beer shop store delivery package price music
  singer album series episode story ending actor plot design color smell taste sound picture screen battery keyboard
  bed bathroom view garden pool event match team player speech article museum tour guide waiter gym class lecture
  novel poem painting exhibition market cafe bar bakery airport seat ticket jacket dress shoe shirt watch toy
  customer support manual printer car bike engine heater vacuum blender oven`
    .trim()
    .split(/\s+/),
)

function sentence(
  random: Random,
  split: Split,
  label: Label,
): { text: string; template: string; entities: string[] } {
  const words = lexicon(split)
  const [pos = '', pos2 = ''] = random.sample(POSITIVE, 2)
  const [neg = '', neg2 = ''] = random.sample(NEGATIVE, 2)
  const slots = {
    x: random.chance(0.7) ? random.pick(SUBJECTS[split]) : random.pick(words.things),
    x2: random.pick(SUBJECTS[split]),
    Pos: capitalise(pos),
    Neg: capitalise(neg),
    pos,
    pos2,
    neg,
    neg2,
    neu: random.pick(NEUTRAL),
    happy: random.pick(HAPPY),
    sad: random.pick(SAD),
    n: String(random.between(2, 40)),
    day: random.pick(DAYS),
    name: random.pick(words.firstNames),
    city: random.pick(words.cities),
  }
  const template = pickTemplate(SENTENCES[label], split, random)
  const entities = (['x', 'x2', 'name', 'city'] as const)
    .filter(slot => template.includes(`{${slot}}`))
    .map(slot => slots[slot])
  return {
    text: capitalise(textOf(expand(template, slots, random))).replace(/\b(a) (?=[aeio])/g, 'an '),
    template,
    entities,
  }
}

function generate(random: Random, split: Split): Example {
  const label: Label = random.weighted<Label>({ positive: 36, negative: 40, neutral: 24 })
  const { text, template, entities } = sentence(random, split, label)
  const question = pickTemplate(QUESTIONS, split, random)
  const lower = random.chance(0.3)
  let s = lower ? text.toLowerCase() : text
  if (random.chance(0.25)) s = s.replace(/[.!]$/, '')
  return {
    kind: 'sentiment',
    template: `${question} <- ${template}`,
    user: retype(expand(question, { s }, random), random),
    assistant: label,
    entities,
    followUp: (next, nextSplit) => another(next, nextSplit),
  }
}

const ANOTHER: Templates = {
  train: [
    'And this one: {s}',
    'And this? {s}',
    'Next: {s}',
    'What about this: {s}',
    'and: {s}',
    'And "{s}"?',
  ],
  heldOut: ['And what about this one: {s}', 'Now this: {s}'],
}

function another(random: Random, split: Split): Example {
  const label: Label = random.weighted<Label>({ positive: 36, negative: 40, neutral: 24 })
  const { text, template, entities } = sentence(random, split, label)
  const question = pickTemplate(ANOTHER, split, random)
  return {
    kind: 'sentiment',
    template: `${question} <- ${template}`,
    user: retype(expand(question, { s: text }, random), random),
    assistant: label,
    entities,
    followUp: (next, nextSplit) => another(next, nextSplit),
  }
}

/** The sentiment of a sentence in one word: positive, negative or neutral. */
export const sentiment: Generator = {
  kind: 'sentiment',
  templates: { questions: QUESTIONS, ...SENTENCES, another: ANOTHER },
  generate,
}
