import type { Example, Generator } from '../example.ts'
import { article, plural } from '../lexicon.ts'
import { expand, normalise } from '../phrase.ts'
import type { Random } from '../random.ts'
import { CONCEPT_QUESTIONS, CONCEPTS, FACTS, type Fact } from '../shoal-facts.ts'
import { pickTemplate, type Split, type Templates, withoutHeldOut } from '../split.ts'
import { retype, withoutPoliteness } from '../typing.ts'

const FOLLOW_UP: Templates = {
  train: [
    'And what is {a}?',
    'And {a}?',
    'What about {terms}?',
    'And what are {terms}?',
    'what about {a}',
    'and {terms}?',
  ],
  heldOut: ['And what about {a}?', 'And could you explain {terms}?'],
}

/** Direct questions and how they are said inside another sentence. */
const INDIRECT: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^How do I ([^?]+)\?$/, ['how to $1', 'how I $1', 'how I can $1']],
  [/^How can I ([^?]+)\?$/, ['how to $1', 'how I can $1']],
  [/^How (do|can) (nodes|peers|providers|payments) ([^?]+)\?$/, ['how $2 $3']],
  [
    /^How is (a provider|the provider|work|the work|reputation|Shoal|a task|a node) ([^?]+)\?$/,
    ['how $1 is $2'],
  ],
  [/^How are ([a-z]+) ([^?]+)\?$/, ['how $1 are $2']],
  [/^What is (the [^?]+|Shoal|shoal [^?]+|a [^?]+)\?$/, ['what $1 is']],
  [/^What are ([^?]+)\?$/, ['what $1 are']],
  [/^What does (shoal [a-z ]+) do\?$/, ['what $1 does']],
  [/^What (happens [^?]+)\?$/, ['what $1']],
  [/^Which (\w+) are there\?$/, ['which $1 there are']],
  [/^Can I ([^?]+)\?$/, ['if I can $1', 'whether I can $1']],
  [/^Is (Shoal|it|my data) ([^?]+)\?$/, ['if $1 is $2', 'whether $1 is $2']],
  [/^Do I ([^?]+)\?$/, ['if I $1', 'whether I $1']],
  [/^Who (pays|signs|runs|owns|controls|checks|sets|chooses|sees|makes) ([^?]+)\?$/, ['who $1 $2']],
]
/** Sentences around them. What comes out as a held-out wording is left out again. */
const FRAMES = [
  'I would like to know {q}.',
  'Do you know {q}?',
  'I wonder {q}',
  'Let me know {q}.',
  'Can you say {q}?',
  'I need to know {q}',
  'I do not know {q}.',
  'Help me understand {q}.',
  'I am asking {q}',
  'Show me {q}',
  'Tell me {q}',
  'Please tell me {q}.',
  'Can you tell me {q}?',
  'Explain {q}',
  'I want to know {q}',
]

const wordingOf = (question: string) => withoutPoliteness(normalise(question))

/** A fact with the indirect questions made of its direct ones, and without any that is held out. */
function forTraining(fact: Fact): Fact {
  const indirect = fact.train
    .filter(question => !question.includes('['))
    .flatMap(question =>
      INDIRECT.flatMap(([form, said]) =>
        form.test(question) ? said.map(text => question.replace(form, text)) : [],
      ),
    )
  const frames = `[${FRAMES.join('|')}]`
  const framed = [...new Set(indirect)].map(question => frames.replaceAll('{q}', question))
  return withoutHeldOut({ ...fact, train: [...fact.train, ...framed] }, wordingOf)
}

const ALL_FACTS = FACTS.map(forTraining)

function ask(random: Random, split: Split, templates: Templates): Example {
  const concept = random.pick(CONCEPTS)
  const term = random.pick(concept.terms)
  const slots = {
    term,
    terms: concept.countable ? plural(term) : term,
    a: concept.countable ? article(term) : term,
  }
  const template = pickTemplate(templates, split, random)
  const cased = random.chance(0.2)
    ? Object.fromEntries(Object.entries(slots).map(([k, v]) => [k, v.toLowerCase()]))
    : slots
  return made(template, retype(expand(template, cased, random), random), concept.answer)
}

function made(template: string, user: string, answer: string): Example {
  return {
    kind: 'shoal',
    template,
    user,
    assistant: answer,
    entities: [],
    followUp: (random, split) => ask(random, split, FOLLOW_UP),
  }
}

/** Questions about Shoal itself. Its facts must all be learned, so they are split by wording alone. */
export const shoal: Generator = {
  kind: 'shoal',
  templates: {
    concepts: CONCEPT_QUESTIONS,
    ...Object.fromEntries(ALL_FACTS.map((fact, index) => [`fact${index}`, fact])),
    followUp: FOLLOW_UP,
  },
  generate(random, split) {
    if (random.chance(0.4)) return ask(random, split, CONCEPT_QUESTIONS)
    const fact = random.chance(0.22)
      ? (ALL_FACTS[random.pick([0, 0, 2, 2, 3, 4])] ?? ALL_FACTS[0]!)
      : random.pick(ALL_FACTS)
    const template = pickTemplate(fact, split, random)
    return made(template, retype(expand(template, {}, random), random), fact.answer)
  },
}
