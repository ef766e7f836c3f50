import type { Example, Generator } from '../example.ts'
import { article, capitalise, lexicon, plural, pronounOf, wordLike } from '../lexicon.ts'
import { expand, framed, normalise, textOf } from '../phrase.ts'
import type { Random } from '../random.ts'
import { pickTemplate, type Split, splitPool, type Templates, templatesOf, widened } from '../split.ts'
import { retype, withoutPoliteness } from '../typing.ts'
import {
  SUMMARY_COMPANY_EVENTS,
  SUMMARY_COMPANY_OPENINGS,
  SUMMARY_EVENTS,
  SUMMARY_OPENINGS,
  SUMMARY_REMARKS,
  SUMMARY_TASKS,
  SUMMARY_WHEN,
} from '../wordings/summary.ts'

/**
 * A text may open by introducing `{who}`, then tells what happened, then adds remarks. The one right summary
 * is who did what: the subject's name and the event's words, without the time and the remarks.
 */
const WRITTEN_TASKS: Templates = {
  train: [
    'Summarize: {s}',
    'Summarise: {s}',
    'Summarize this[ text|]: {s}',
    'Summarize this in one [line|sentence]: {s}',
    'Summarize the [following text|text]: {s}',
    'Summarise the text in one sentence: {s}',
    'Summarize in one [line|sentence]: {s}',
    'Give me a summary: {s}',
    'Give me a [short|one-line] summary of this: {s}',
    'Write a [short|one-line|one-sentence] summary: {s}',
    'Short summary: {s}',
    'Summary: {s}',
    'Summary of this text: {s}',
    'One-line summary: {s}',
    'Can you summarize this[ for me|]: {s}',
    'Can you summarize this? {s}',
    'What is this text about? {s}',
    'What is this about? {s}',
    'What happened? {s}',
    'tl;dr: {s}',
    'TL;DR {s}',
    'In one sentence: {s}',
    'Make this shorter: {s}',
    'Shorten this text: {s}',
    'Tell me in one sentence what happened: {s}',
    'Sum up: {s}',
    'Sum this up: {s}',
    '{s} Summarize this.',
    '{s} Give me a summary.',
    '{s} Summarize in one line.',
    '{s}\n\ntl;dr',
    'Text: {s}\nSummary:',
    '[Summarize|Summarise|Sum up|Shorten|Condense] [this|the|the following] [text|article|message|paragraph|news|report][| in one sentence| in one line| briefly| in a few words]: {s}',
    '[Can|Could|Would|Will] you [summarize|summarise|sum up|shorten] [this|the text|this text|it][| in one sentence| in one line| briefly]: {s}',
    '[Give|Write|Tell] me [the main point|the gist|the essence|the short version][| of this]: {s}',
    '{s} [Summarise|Sum up|Shorten][| this| it| the text][| in one sentence| in one line| briefly].',
    'What does [this|the] [text|message|article] say? {s}',
    'What is [this|the] [message|article|news] about? {s}',
    '[The gist|Main point|In short|Briefly|Short version]: {s}',
    '[Text|Article|News|Message]: {s} [Summarize|Sum up|Summary]',
  ],
  heldOut: [
    'Please give me a one-line summary of this text: {s}',
    'Could you summarize the following in one sentence: {s}',
    'Write a one-sentence summary of this: {s}',
    'In one line, what does the story say? {s}',
    'I need a short summary of this text: {s}',
    '{s} Can you summarize this in one sentence?',
    'Tell me in one line what this text is about: {s}',
    'Make a short summary: {s}',
    'Read this and sum it up in one sentence: {s}',
    'What is the main point of this text? {s}',
  ],
}

const WRITTEN_OPENINGS: Templates = {
  train: [
    '{who} is {ajob} in {city}.',
    '{who} works as {ajob} in {city}.',
    '{who} is {ajob}.',
    '{who} lives in {city}.',
    '{who} lives in {city} with {pron2} family.',
    '{who} is {age} years old and lives near {city}.',
    '{who} has worked as {ajob} for {n} years.',
    '{who} comes from {city}.',
    '{who} is {ajob} who loves {pron2} work.',
    '{who} has a small house in {city}.',
    '{who} moved to {city} last year.',
  ],
  heldOut: [
    '{who} has lived in {city} for {n} years.',
    '{who} is {ajob} near {city}.',
    '{who} is {age} years old and works as {ajob}.',
    '{who} lives near {city} and is {ajob}.',
    '{who} comes from {city} and loves {pron2} work.',
    '{who} works in {city}.',
  ],
}

/** The time before the event; it is no part of a summary. */
const WHEN = widened(
  {
    train: [
      'On {day}',
      'Last {day}',
      'Yesterday',
      'This morning',
      'Last week',
      'One day',
      'In {month}',
      'Last year',
      'Today',
      'After work',
      'After [lunch|dinner|breakfast|school|the party|the game|the holidays|the storm|a long walk]',
      'Before [lunch|noon|the holidays|work|the winter|the party]',
      'One [afternoon|evening|night|summer|winter|rainy day|sunny day]',
      '[Two|Three|Four|Some|Many] [days|weeks|months|years] ago',
      'At [noon|midnight|the weekend|the end of the day|the end of {month}]',
      'Early [this morning|in the morning|on {day}]',
      'Late [at night|last night|on {day}]',
      'In the [morning|evening|summer|winter|spring]',
      'During the [holidays|summer|night|week|trip]',
      'On a [cold|warm|rainy|quiet] [day|evening|{day}]',
      'This [week|month|year|evening]',
    ],
    heldOut: ['Last {month}', 'One morning', 'On {day} morning', 'After the weekend'],
  },
  SUMMARY_WHEN,
  normalise,
)

/** Main events, in the past tense, after the subject. */
const EVENTS = widened(
  {
    train: [
      'baked {n} {foods} for the {group}',
      'bought {athing} in {city2}',
      'sold {n} {things} at the market',
      'found {athing} in the {place}',
      'lost {athing} in the {place}',
      'built {athing} for the {group}',
      'repaired {athing} of {friend}',
      'opened a new shop in {city2}',
      'won {athing} in a contest',
      'gave {athing} to {friend}',
      'visited {friend} in {city2}',
      'met {friend} at the {place}',
      'painted a picture of {athing}',
      'wrote a book about {things}',
      'flew to {city2} with {friend}',
      'planted {n} trees in the {place}',
      'taught {n} children to swim',
      'saved a {animal} from the {place}',
      'cooked dinner for {friend}',
      'started a new job in {city2}',
      'took {n} photos of a {animal}',
      'lent {athing} to {friend}',
      'cleaned the {place} with {friend}',
      'made {n} {things} from wood',
      'adopted a {animal}',
      'left {athing} on the train',
      'sent {athing} to {friend}',
      'bought a house near {city2}',
      '[bought|found|built|repaired|cleaned|carried|washed|opened|hid|broke|stole|borrowed|rented|drew|packed|moved|cut] {athing} [for|with|near|behind] [{friend}|the {group}|the {place}|the {animal}]',
      '[brought|showed|promised|handed|carried|threw|passed|offered|returned] {athing} to [{friend}|the {group}|a {animal}|the {place}]',
      '[brought|showed|made|drew|ordered|collected|counted|sold|baked|cooked|carried] {n} {things} [for|from|near|with] [{friend}|the {group}|{city2}]',
      '[saw|fed|followed|heard|caught|washed|painted|lost|chased|photographed] a {animal} [near|behind|at|from] the {place}',
      '[saw|called|helped|followed|heard|invited|thanked|taught|visited|drove] {friend} [at the {place}|near {city2}|from {city2}|with {athing}]',
      '[walked|drove|ran|went|swam|travelled|moved|rode] [to|from|near] [{city2}|the {place}] with [{friend}|{athing}|a {animal}|the {group}]',
      '[made|prepared|cooked|ordered|brought|served] [breakfast|lunch|tea|soup|pizza] for [{friend}|the {group}|{n} people]',
      '[learned|started|tried|stopped|began] to [swim|sing|draw|cook|dance|paint] [with {friend}|in {city2}|at the {place}]',
      '[fell|slept|sang|danced|waited|worked|sat] [in|at|behind|near] the {place} with [{friend}|{athing}]',
      '[won|lost|got|earned|kept|wanted] [{n} dollars|{athing}|{n} {things}] [from {friend}|at the {place}|in {city2}]',
    ],
    heldOut: [
      'bought {n} {things} for the {group}',
      'found a {animal} in the {place}',
      'gave {n} {things} to {friend}',
      'sold {athing} to {friend}',
      'lost {athing} in {city2}',
      'painted {n} {things} for the {group}',
      'met {friend} in {city2}',
      'made dinner for the {group}',
      'sent {n} {things} to {city2}',
      'repaired {athing} at the {place}',
    ],
  },
  SUMMARY_EVENTS,
  normalise,
)

const WRITTEN_REMARKS: Templates = {
  train: [
    'The weather was {weather}.',
    'It was a {weather} day.',
    'The neighbors were [happy|surprised|pleased].',
    '{Pron} was very [happy|proud|tired|pleased] afterwards.',
    '{Pron} gets up at {n} every day.',
    '{Pron} likes [coffee|tea|music|long walks].',
    '{Pron} has {n} [cats|dogs|brothers|sisters].',
    'Many people came to see it.',
    'Everyone talked about it.',
    'It took {n} hours.',
    'The children laughed.',
    '{Pron} had planned it for months.',
    '{Pron} wants to do it again.',
    'Nobody had expected it.',
    'It cost {n} euros.',
    'The streets were [quiet|full|empty].',
    'In the evening there was a party.',
    'The local paper wrote about it.',
    'It was a long day.',
  ],
  heldOut: [
    'The evening was {weather}.',
    'It took {n} days.',
    'Many people laughed.',
    '{Pron} has {n} children.',
    'The neighbors talked about it.',
    '{Pron} was surprised afterwards.',
    'It was a quiet day.',
    'Nobody wrote about it.',
  ],
}

/** The same for a company, which is an "it". */
const WRITTEN_COMPANY_OPENINGS: Templates = {
  train: [
    '{who} is a company from {city}.',
    '{who} is a small company in {city}.',
    '{who} makes {things}.',
    '{who} has {n} workers in {city}.',
    '{who} was founded {n} years ago.',
    '{who} sells {things} in {city}.',
    'The company {who} comes from {city}.',
  ],
  heldOut: [
    '{who} makes {things} in {city}.',
    '{who} is a company with {n} workers.',
    '{who} was founded in {city}.',
    'The company {who} sells {things}.',
  ],
}

/** Groups and people without a name, with the pronoun that stands for them. */
const GROUP_SUBJECTS: Readonly<Record<Split, readonly (readonly [string, string])[]>> = {
  train: [
    ['The police', 'they'],
    ['Our team', 'it'],
    ['My sister', 'she'],
    ['My brother', 'he'],
    ['The teacher', 'she'],
    ['The children', 'they'],
    ['The mayor of {city}', 'he'],
    ['Scientists', 'they'],
    ['The government', 'it'],
    ['A farmer', 'he'],
    ['The company', 'it'],
    ['My neighbor', 'she'],
    ['Two friends', 'they'],
    ['The museum', 'it'],
    ['The city of {city}', 'it'],
    ['A woman from {city}', 'she'],
    ['An old man', 'he'],
    ['The students', 'they'],
    ['Our school', 'it'],
    ['The team from {city}', 'it'],
    ['My parents', 'they'],
    ['A young girl', 'she'],
    ['I', 'I'],
    ['We', 'we'],
  ],
  validation: [
    ['My uncle', 'he'],
    ['The workers', 'they'],
    ['A man from {city}', 'he'],
    ['The school in {city}', 'it'],
  ],
  test: [
    ['My aunt', 'she'],
    ['The neighbors', 'they'],
    ['A girl from {city}', 'she'],
    ['The club in {city}', 'it'],
  ],
}

const COMPANY_EVENTS = widened(
  {
    train: [
      'opened a new office in {city2}',
      'opened a new shop in {city2}',
      'released a new {thing2}',
      'released {athing2}',
      'sold {n} {things2} to {city2}',
      'hired {n} people',
      'hired {friend}',
      'closed its shop in {city2}',
      'raised the price of its {things2}',
      'built a new factory near {city2}',
      'won a prize for its {things2}',
      'bought the company {company2}',
      'moved to {city2}',
      'lost {n} workers',
      'gave {n} {things2} to a school',
      'showed a new {thing2} in {city2}',
      '[built|tested|ordered|planned|presented|sold|repaired|lost|bought] [{n} new|{n}|{n} old|{n} cheap] {things2}[| in {city2}| for {city2}| from {city2}]',
      '[built|tested|started|closed|rented|cleaned|left|bought] [its|a new|a small|a big|an old] [factory|office|shop|school|hotel|store|house][| near {city2}| for {friend}]',
      '[got|wanted|gave|received|refused|lost] [a prize|a letter|{n} dollars|help|an order|a gift] [from|for|to] [{friend}|{city2}|{company2}|its workers|a school]',
      '[paid|thanked|called|invited|trained|fired|hired] [{n} people|{n} workers|{friend}|{company2}][| from {city2}]',
      '[tested|started|ended|planned|changed|showed] [its {thing2}|a cheap {thing2}|an old {thing2}|the first {thing2}][| with {company2}| in {city2}]',
    ],
    heldOut: [
      'opened a factory in {city2}',
      'showed {n} new {things2}',
      'sold its shop in {city2}',
      'released a new {thing2} in {city2}',
      'hired {n} people in {city2}',
      'won a prize in {city2}',
    ],
  },
  SUMMARY_COMPANY_EVENTS,
  normalise,
)

const COMPANY_REMARKS: Templates = {
  train: [
    'Many customers waited in line.',
    'The workers were [happy|surprised|proud].',
    'The newspapers wrote about it.',
    'Nobody had expected it.',
    'It took {n} months.',
    'The price is {n} euros.',
    'The customers [liked|loved] it.',
    'The boss gave a long speech.',
    'It cost {n} million dollars.',
    'Everyone talked about it.',
    'The plan was {n} years old.',
    'It wants to do more next year.',
  ],
  heldOut: [
    'The customers were surprised.',
    'It took {n} weeks.',
    'The boss was proud of it.',
    'The newspapers talked about it.',
    'Many workers were happy.',
    'The plan cost {n} million euros.',
  ],
}

const wordingOf = (phrase: string) => withoutPoliteness(normalise(phrase))
const TASKS = widened(WRITTEN_TASKS, SUMMARY_TASKS, wordingOf)
const OPENINGS = widened(WRITTEN_OPENINGS, SUMMARY_OPENINGS, normalise)
const REMARKS = widened(WRITTEN_REMARKS, SUMMARY_REMARKS, normalise)
const COMPANY_OPENINGS = widened(WRITTEN_COMPANY_OPENINGS, SUMMARY_COMPANY_OPENINGS, normalise)

const list = (text: string) => text.trim().split(/\s+/)
const FOODS = ['loaves of bread', 'cakes', 'cookies', 'pies', 'rolls', 'pizzas']
const GROUPS = ['school', 'children', 'neighbors', 'hospital', 'team', 'village', 'family', 'club']
const PLACES = splitPool([
  'park',
  'forest',
  'garden',
  'river',
  'station',
  'library',
  'lake',
  'office',
  'market',
  'harbor',
  'kitchen',
  'cellar',
  'attic',
  'museum',
  'field',
  'street',
  'theater',
  'beach',
  'barn',
  'castle',
  'cinema',
  'church',
  'hotel',
  'school',
  'square',
  'zoo',
  'meadow',
  'cave',
  'valley',
  'desert',
  'gym',
  'cafe',
  'bakery',
  'tunnel',
  'tower',
  'stadium',
  'yard',
  'hall',
])
const ANIMALS = splitPool(
  list(
    'cat dog horse rabbit bird goat sheep duck fox turtle hedgehog kitten puppy donkey lamb swan ' +
      'parrot hamster pony goose pigeon squirrel owl frog calf wolf raven bear beaver otter badger falcon pig hen seal lizard',
  ),
)
const WEATHER = list('sunny rainy cold warm windy cloudy stormy hot foggy')
const DAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ')
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)

/** A story: the sentences before and after the event are drawn from these. */
interface Story {
  who: string
  slots: Record<string, string>
  openings: Templates
  events: Templates
  remarks: Templates
  /** There is nothing to introduce the subject with: the event comes first. */
  direct?: boolean
}

/** How often a word is one that is on no list. */
const STRANGE = 0.4

function someWords(random: Random, split: Split): Record<string, string> {
  const words = lexicon(split)
  const like = (list: readonly string[]) => wordLike(random, split, list, STRANGE)
  const [thing, thing2] = [like(words.things), like(words.things)]
  return {
    friend: like(words.firstNames),
    city: like(words.cities),
    city2: like(words.cities),
    company2: like(words.companies),
    ajob: article(random.pick(words.jobs)),
    age: String(random.between(18, 90)),
    athing: article(thing),
    things: plural(thing),
    thing2,
    athing2: article(thing2),
    things2: plural(thing2),
    foods: random.pick(FOODS),
    group: random.pick(GROUPS),
    place: like(PLACES[split]),
    animal: like(ANIMALS[split]),
    weather: random.pick(WEATHER),
    day: random.pick(DAYS),
    month: random.pick(MONTHS),
  }
}

function ofPerson(random: Random, split: Split): Story {
  const words = lexicon(split)
  const first = wordLike(random, split, words.firstNames, STRANGE)
  const who = random.chance(0.3) ? `${first} ${wordLike(random, split, words.surnames, STRANGE)}` : first
  const pron = words.firstNames.includes(first) ? pronounOf(first) : random.pick(['he', 'she'] as const)
  const slots = {
    ...someWords(random, split),
    who,
    pron,
    Pron: capitalise(pron),
    pron2: pron === 'he' ? 'his' : 'her',
  }
  return { who, slots, openings: OPENINGS, events: EVENTS, remarks: REMARKS }
}

function ofCompany(random: Random, split: Split): Story {
  const who = wordLike(random, split, lexicon(split).companies, STRANGE)
  const slots = { ...someWords(random, split), who, pron: 'it', Pron: 'It', pron2: 'its' }
  return { who, slots, openings: COMPANY_OPENINGS, events: COMPANY_EVENTS, remarks: COMPANY_REMARKS }
}

function ofGroup(random: Random, split: Split): Story {
  const slots = someWords(random, split)
  const [subject, pron] = random.pick(GROUP_SUBJECTS[split])
  const who = subject.replace('{city}', slots.city ?? '')
  return {
    who,
    slots: { ...slots, who, pron, Pron: capitalise(pron), pron2: pron === 'he' ? 'his' : 'her' },
    openings: OPENINGS,
    events: EVENTS,
    remarks: { train: REMARKS.train.filter(isGeneral), heldOut: REMARKS.heldOut.filter(isGeneral) },
    direct: true,
  }
}

/** Remarks that agree with any subject. */
const isGeneral = (remark: string) => !/\{Pron\} (was|gets|likes|has|wants)/.test(remark)

/** "The police" inside a sentence; "I" stays. */
const lowerFirst = (text: string) => (text === 'I' ? text : text.charAt(0).toLowerCase() + text.slice(1))

function generate(random: Random, split: Split): Example {
  const subject = random.weighted({ person: 66, company: 18, group: 16 })
  const story = { person: ofPerson, company: ofCompany, group: ofGroup }[subject](random, split)
  const { who, slots } = story
  const fill = (template: string) => {
    slots.n = String(random.between(2, 40))
    return textOf(expand(template, slots, random)).replace(/\ba (?=[aeio])/g, 'an ')
  }
  const opening = pickTemplate(story.openings, split, random)
  const event = pickTemplate(story.events, split, random)
  const remarks = random.sample(templatesOf(story.remarks, split), random.between(1, 2))
  const main = fill(event)
  const when = random.chance(0.6)
    ? `${fill(pickTemplate(WHEN, split, random))}${random.chance(0.3) ? ',' : ''} `
    : ''
  const direct = story.direct === true || random.chance(0.2)
  const told = (by: string) =>
    capitalise(`${when}${when !== '' && subject === 'group' ? lowerFirst(by) : by} ${main}.`)
  const sentences = [
    ...(direct ? [] : [fill(opening)]),
    told(direct ? who : (slots.pron ?? '')),
    ...remarks.map(fill),
  ]
  const task = pickTemplate(TASKS, split, random)
  const used = (slot: string) =>
    [direct ? '' : opening, event].some(template => template.includes(`{${slot}}`))
  const entities = ['city', 'city2', 'friend', 'place', 'animal', 'company2', 'thing2']
    .filter(used)
    .map(slot => slots[slot] ?? '')
  return {
    kind: 'summary',
    template: `${task} <- ${direct ? '' : opening} ${event}`,
    user: retype(expand(framed(task, random), { s: sentences.join(' ') }, random), random),
    assistant: `${who} ${main}.`,
    entities: [...entities, who],
  }
}

/** Two to four sentences in one: who did what. */
export const summary: Generator = {
  kind: 'summary',
  templates: {
    tasks: TASKS,
    openings: OPENINGS,
    when: WHEN,
    events: EVENTS,
    remarks: REMARKS,
    companyOpenings: COMPANY_OPENINGS,
    companyEvents: COMPANY_EVENTS,
    companyRemarks: COMPANY_REMARKS,
  },
  generate,
}
