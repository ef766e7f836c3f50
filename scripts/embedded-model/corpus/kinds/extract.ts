import type { Example, Generator } from '../example.ts'
import { article, lexicon, plural, wordLike } from '../lexicon.ts'
import { expand, framed, normalise, resolve, textOf } from '../phrase.ts'
import type { Random } from '../random.ts'
import { entitySplit, pickTemplate, type Split, type Templates, widened } from '../split.ts'
import { retype, withoutPoliteness } from '../typing.ts'
import { EXTRACT_SENTENCES, EXTRACT_TASKS } from '../wordings/extract.ts'

/** What a sentence may state, with the names a person may give each as a JSON key. */
const KEYS = {
  name: ['name', 'name', 'name', 'person', 'customer'],
  age: ['age'],
  city: ['city', 'city', 'place'],
  job: ['job', 'job', 'profession'],
  company: ['company'],
  item: ['item', 'product'],
  quantity: ['quantity', 'count'],
  price: ['price', 'cost'],
  color: ['color'],
  day: ['day', 'date'],
  time: ['time'],
  country: ['country'],
  email: ['email'],
} as const
export type Field = keyof typeof KEYS

/** Sentences that state fields as `{field}`. `{items}` is the item in the plural and counts as `item`. */
const WRITTEN_SENTENCES: Templates = {
  train: [
    '{name} is {age} years old and lives in {city}.',
    '{name} is a {age} year old {job} from {city}.',
    '{name} lives in {city} and works as {ajob}.',
    '{name} works as {ajob} in {city}.',
    '{name} from {city} is {ajob}.',
    '{name} is {ajob} at {company}.',
    '{name} works at {company} in {city}.',
    '{name}, {age}, lives in {city}.',
    '{name}, {age}, works as {ajob} at {company}.',
    '{name} bought {quantity} {items} for {price} dollars.',
    '{name} bought {quantity} {items} on {day}.',
    '{name} ordered {quantity} {color} {items}.',
    '{name} ordered {quantity} {items} for {price} euros.',
    '{name} bought a {color} {item} for {price} dollars.',
    '{name} sold a {color} {item} in {city}.',
    '{name} paid {price} dollars for a {color} {item}.',
    'The {item} costs {price} dollars.',
    'The {color} {item} costs {price} euros.',
    'The meeting with {name} is on {day} at {time}.',
    'Meet {name} on {day} at {time} in {city}.',
    '{name} arrives in {city} on {day}.',
    '{name} arrives on {day} at {time}.',
    '{name} will visit {city} on {day}.',
    'My name is {name} and I am {age} years old.',
    'My name is {name} and I live in {city}.',
    'I am {name}, {ajob} from {city}.',
    'My name is {name}, my email is {email}.',
    'You can reach {name} at {email}.',
    '{name} from {company} has the email {email}.',
    'Please send {quantity} {items} to {name} in {city}.',
    '{company} in {city} sells {items} for {price} dollars.',
    '{company} ordered {quantity} {items} on {day}.',
    'On {day} {name} sold {quantity} {items}.',
    'Customer {name} wants {quantity} {items}.',
    'The appointment of {name} is at {time} on {day}.',
    '{name} moved to {city} at the age of {age}.',
    'Order: {quantity} {items}, {color}, {price} dollars.',
    'Name: {name}, age: {age}, city: {city}.',
    'Dear team, {name} needs {quantity} {items} by {day}.',
    '{name} is {age} years old.',
    '{name} has a {color} {item}.',
    '{name} met us in {city} at {time}.',
    '{name} comes from {country} and works as {ajob}.',
    '{name} lives in {city}, {country}.',
    '{name} moved from {country} to {city}.',
    '{company} is a company from {country}.',
    '{company} sells {color} {items}.',
    '{company} sold a {color} {item} to {name} for {price} dollars.',
    'The {color} {item} from {company} costs {price} dollars.',
    '{company} wants {quantity} {color} {items} for {price} euros.',
    'A {color} {item} costs {price} euros at {company}.',
    '{name} from {company} bought {quantity} {items}.',
    '{name} from {company} comes on {day} at {time}.',
    '{name} of {company} lives in {city}.',
    '{name}, {ajob}, lives in {city}.',
    '{name}, {ajob} at {company}, comes from {country}.',
    '{name} is {ajob} and {age} years old.',
    '{name} is {ajob} from {country}.',
    'On {day} at {time} {name} arrives in {city}.',
    'On {day} {name} ordered a {color} {item}.',
    '{name} needs a {color} {item} by {day}.',
    'Please send {quantity} {color} {items} to {city} by {day}.',
    '{name} spent {price} dollars on {quantity} {items}.',
    '{name} gave {price} euros for a {item}.',
    'I am {name} from {country} and I am {age} years old.',
    'I live in {city} and my email is {email}.',
    '{name} found a {color} {item} in {city} on {day}.',
    '{name} called {company} on {day}.',
  ],
  heldOut: [
    '{name} is {ajob} and lives in {city}.',
    '{name} from {city} is {age} years old.',
    '{name} sold {quantity} {items} for {price} dollars.',
    'On {day} {name} bought a {color} {item}.',
    'I am {name}, I live in {city} and my email is {email}.',
    '{name} paid {price} euros for {quantity} {items}.',
    'Meet {name} from {company} at {time} on {day}.',
    '{name}, {ajob} from {city}, is {age} years old.',
    'Please send a {color} {item} to {name} by {day}.',
    '{company} sells a {color} {item} for {price} euros.',
    '{name} works at {company} and is {age} years old.',
    '{name} ordered {quantity} {items} in {city} on {day}.',
    '{name} from {country} is {age} years old.',
    '{name} from {company} arrives at {time}.',
  ],
}

/** How the task is put: `{keys}` the keys asked for, `{s}` the sentence. */
const WRITTEN_TASKS: Templates = {
  train: [
    'Extract {keys} as JSON: {s}',
    'Extract {keys} to JSON: {s}',
    'Extract {keys} from this [sentence|text] as JSON: {s}',
    'Extract {keys}: {s}',
    'Extract {keys} from: {s}',
    'Extract the {keys} as JSON: {s}',
    'Extract the {keys} from this sentence: {s}',
    'Extract the fields {keys} as JSON: {s}',
    'Extract the keys {keys}: {s}',
    'Get {keys} from this as JSON: {s}',
    'Get the {keys} as JSON from: {s}',
    'Find {keys} and answer in JSON: {s}',
    'Return JSON with {keys}: {s}',
    'Return a JSON object with {keys}: {s}',
    'Return JSON with the keys {keys} for this sentence: {s}',
    'Give me JSON with {keys}: {s}',
    'Make JSON with the keys {keys} from this: {s}',
    'Make a JSON object with {keys}: {s}',
    'JSON with {keys}: {s}',
    'json: {keys}. {s}',
    'Convert to JSON with {keys}: {s}',
    'Turn this into JSON with the keys {keys}: {s}',
    'Read the sentence and return {keys} as JSON: {s}',
    'Can you extract {keys} from this: {s}',
    'Can you extract the {keys} as JSON? {s}',
    '{s} Extract {keys} as JSON.',
    '{s} Extract the {keys}.',
    '{s} Return {keys} as JSON.',
    '{s} Give me {keys} as JSON.',
    'What is the {keys} in this sentence, as JSON: {s}',
    'Fill in {keys} as JSON from the text: {s}',
    'Text: {s} Extract {keys} as JSON.',
    '[Extract|Get|Pull out|Find|Take|Return|Show|List|Pick] [|the ][|values of |fields ]{keys} [as JSON|in JSON|as a JSON object|in JSON format|as json]: {s}',
    '[Extract|Get|Pull out|Find|Pick] [|the ]{keys} from [the|this|the following] [sentence|text|message|note|line][| as JSON| in JSON]: {s}',
    '[Convert|Parse|Transform|Put|Change] [this|the sentence|the text|the following] [to|into|as] JSON with [|keys |the fields ]{keys}: {s}',
    '{s} [Get|Find|Pull out|Return] [|the ]{keys}[| as JSON| in JSON].',
    '[Can|Could|Would|Will] you [get|find|parse|pull out] [|the ]{keys} [from|in] [this|the text][| as JSON]: {s}',
    'JSON [keys|fields]: {keys}. [Text|Sentence|Input]: {s}',
    '[Keys|Fields]: {keys}. {s}',
    'Parse {keys}: {s}',
  ],
  heldOut: [
    'Please extract the keys {keys} from this text as JSON: {s}',
    'Could you return {keys} as JSON for this: {s}',
    'Give me a JSON object with the fields {keys}: {s}',
    'Find the {keys} in this sentence and return JSON: {s}',
    'Turn the sentence into JSON with {keys}: {s}',
    '{s} Make JSON with {keys}.',
    'From the text, get {keys} as a JSON object: {s}',
    'Sentence: {s} Return a JSON object with {keys}.',
    'I need {keys} as JSON from this sentence: {s}',
    'Answer in JSON with the keys {keys}: {s}',
  ],
}

const wordingOf = (phrase: string) => withoutPoliteness(normalise(phrase))
const SENTENCES = widened(WRITTEN_SENTENCES, EXTRACT_SENTENCES, wordingOf)
const TASKS = widened(WRITTEN_TASKS, EXTRACT_TASKS, wordingOf)

const DAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ')
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)
const DOMAINS = ['example.com', 'example.org', 'mail.example', 'post.example', 'shop.example']

/** How often a word is one that is on no list. */
const STRANGE = 0.45

function name(random: Random, split: Split): string {
  const words = lexicon(split)
  const first = wordLike(random, split, words.firstNames, STRANGE)
  return random.chance(0.6) ? first : `${first} ${wordLike(random, split, words.surnames, STRANGE)}`
}

/** A number of the split; what is counted, paid or lived decides its range. */
function amount(random: Random, split: Split, low: number, high: number): number {
  for (;;) {
    const value = random.between(low, high)
    if (high < 200 || entitySplit(`amount ${value}`) === split) return value
  }
}

function values(random: Random, split: Split): Record<Field, string | number> {
  const words = lexicon(split)
  const who = name(random, split)
  const like = (list: readonly string[], strange = STRANGE) => wordLike(random, split, list, strange)
  return {
    name: who,
    age: random.between(4, 95),
    city: like(words.cities),
    job: like(words.jobs, 0.25),
    company: like(words.companies),
    item: like(words.things),
    quantity: random.between(2, random.pick([12, 99])),
    price: random.chance(0.88)
      ? amount(random, split, 1, random.pick([90, 90, 999]))
      : `${random.between(1, 99)}.${random.pick(['50', '99', '95', '20', '25', '75'])}`,
    color: like(words.colors, 0.35),
    country: like(words.countries),
    day: random.chance(0.8) ? random.pick(DAYS) : `${random.pick(MONTHS)} ${random.between(1, 28)}`,
    time: random.pick([
      `${random.between(0, 23)}:${random.pick(['00', '15', '30', '45', '05', '10', '20', '40'])}`,
      `${random.between(1, 12)} ${random.pick(['am', 'pm'])}`,
    ]),
    email: `${(who.split(' ')[0] ?? '').toLowerCase()}@${random.pick(DOMAINS)}`,
  }
}

/** Numbers stay numbers in JSON, also those with a decimal point. */
function literal(field: Field, value: string | number): string {
  return field === 'price' || typeof value === 'number' ? String(value) : JSON.stringify(value)
}

function joinKeys(keys: readonly string[], random: Random): string {
  const style = random.weighted({ and: 55, comma: 40, andComma: 5 })
  if (style === 'comma' || keys.length === 1) return keys.join(', ')
  return `${keys.slice(0, -1).join(', ')}${style === 'andComma' && keys.length > 2 ? ',' : ''} and ${keys.at(-1)}`
}

function generate(random: Random, split: Split): Example {
  const facts = values(random, split)
  const sentence = resolve(pickTemplate(SENTENCES, split, random), random)
  const slots: Record<string, string> = Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [key, String(value)]),
  )
  slots.items = plural(String(facts.item))
  slots.ajob = article(String(facts.job))
  const usesPlural = sentence.includes('{items}')
  let s = textOf(expand(sentence, slots, random)).replace(/\ba (?=[aeio])/g, 'an ')
  const said: Record<string, string | number> = {
    ...facts,
    item: usesPlural ? (slots.items ?? '') : facts.item,
  }
  if (random.chance(0.1)) {
    s = s.toLowerCase()
    for (const [key, value] of Object.entries(said))
      if (typeof value === 'string') said[key] = value.toLowerCase()
  } else if (random.chance(0.15)) s = s.replace(/\.$/, '')

  const stated = (Object.keys(KEYS) as Field[]).filter(
    field =>
      sentence.includes(`{${field}}`) || sentence.includes(`{a${field}}`) || sentence.includes(`{${field}s}`),
  )
  const wanted = random.pick([1, 2, 2, 2, 3, 3])
  const asked = random.sample(stated, Math.min(wanted, stated.length))
  const fields = random.chance(0.6) ? stated.filter(field => asked.includes(field)) : asked
  const keys = fields.map(field => random.pick(KEYS[field]))
  const members = fields.map((field, index) => `"${keys[index]}": ${literal(field, said[field] ?? '')}`)
  const task = pickTemplate(TASKS, split, random)
  const entities = (['name', 'city', 'job', 'company', 'item', 'color', 'country'] as const)
    .filter(field => stated.includes(field))
    .map(field => String(facts[field]))
  return {
    kind: 'extract',
    template: `${task} <- ${sentence}`,
    user: retype(expand(framed(task, random), { keys: joinKeys(keys, random), s }, random), random),
    assistant: `{${members.join(', ')}}`,
    entities,
  }
}

/** Fields of a sentence as a JSON object with the keys asked for, in that order. */
export const extract: Generator = {
  kind: 'extract',
  templates: { sentences: SENTENCES, tasks: TASKS },
  generate,
}
