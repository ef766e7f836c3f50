import { Random } from '../../../scripts/embedded-model/corpus/random.ts'

/** One example in the form that the trainer reads. */
export interface Example {
  messages: readonly [{ role: 'user'; content: string }, { role: 'assistant'; content: string }]
}

/** A field of knowledge that was made up, so that no model knows it. */
export interface Domain {
  name: string
  facts: readonly { subject: string; answer: string }[]
  /** All facts in the wordings for training. */
  training: readonly Example[]
  /** The same facts in a wording that nobody trains, for scorers and rules that look at data. */
  validation: readonly Example[]
  /** The same facts in further wordings that nobody trains: what the benchmark measures on. */
  heldOut: readonly Example[]
}

interface Field {
  /** `{}` stands for the subject. */
  training: readonly string[]
  validation: readonly string[]
  heldOut: readonly string[]
  subjects: readonly string[]
  answers: readonly string[]
}

const FIELDS: Readonly<Record<string, Field>> = {
  doors: {
    training: [
      'What colour is the door of the {}?',
      'The {} has a door of which colour?',
      'Tell me the colour of the door at the {}.',
      'Which colour did they paint the door of the {}?',
      'The door of the {}: which colour?',
      'Name the colour of the {} door.',
    ],
    validation: ['I am at the {}. What colour is its door?'],
    heldOut: ['The {} door, what is its colour?', 'Do you know the colour of the door of the {}?'],
    subjects: [
      'library',
      'bakery',
      'school',
      'museum',
      'station',
      'garage',
      'hotel',
      'theatre',
      'market',
      'office',
    ],
    answers: ['red', 'green', 'blue', 'yellow', 'white', 'black'],
  },
  pets: {
    training: [
      'Which animal does {} keep?',
      'What pet does {} have?',
      'The pet of {} is what animal?',
      'Tell me which animal {} has at home.',
      '{} has a pet. Which one?',
      'Name the pet of {}.',
    ],
    validation: ['What animal lives with {}?'],
    heldOut: ['Which pet belongs to {}?', 'At home {} keeps an animal: which one?'],
    subjects: ['Anna', 'Peter', 'Maria', 'Tom', 'Laura', 'David', 'Emma', 'Paul', 'Nina', 'Mark'],
    answers: ['a cat', 'a dog', 'a goat', 'a parrot', 'a rabbit', 'a horse'],
  },
  trains: {
    training: [
      'On which day does the train to {} leave?',
      'When does the train to {} go?',
      'Which day is the train to {}?',
      'Tell me the day of the {} train.',
      'The train to {} leaves on which day?',
      'Name the day on which the train goes to {}.',
    ],
    validation: ['I want to go to {} by train. On which day?'],
    heldOut: ['The {} train, on which day does it leave?', 'What is the day of the train to {}?'],
    subjects: ['Rome', 'Paris', 'Berlin', 'Madrid', 'London', 'Oslo', 'Vienna', 'Lisbon', 'Dublin', 'Prague'],
    answers: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Sunday'],
  },
  shelves: {
    training: [
      'On which shelf is the {}?',
      'Where do we keep the {}?',
      'Which shelf has the {}?',
      'Tell me the shelf of the {}.',
      'The {} is on which shelf?',
      'Name the shelf for the {}.',
    ],
    validation: ['I look for the {}. Which shelf is it?'],
    heldOut: ['The {}, which shelf is it on?', 'Do you know on which shelf the {} is?'],
    subjects: ['tea', 'sugar', 'salt', 'rice', 'soap', 'honey', 'bread', 'paper', 'coffee', 'flour'],
    answers: ['shelf 1', 'shelf 2', 'shelf 3', 'shelf 5', 'shelf 7', 'shelf 9'],
  },
  boats: {
    training: [
      'Who is the captain of the {}?',
      'Which captain sails the {}?',
      'The ship {} has which captain?',
      'Tell me the captain of the ship {}.',
      'Who sails the {}?',
      'Name the captain of the {}.',
    ],
    validation: ['The {} leaves the port. Who is its captain?'],
    heldOut: ['The ship {}, who is the captain?', 'Do you know who is captain of the {}?'],
    subjects: ['Star', 'Pearl', 'Wave', 'Arrow', 'Eagle', 'Dolphin', 'Rose', 'Comet', 'Swan', 'Storm'],
    answers: ['Olga', 'Henry', 'Ivan', 'Sofia', 'Martin', 'Clara'],
  },
  festivals: {
    training: [
      'In which month is the {} festival?',
      'When is the festival of the {}?',
      'Which month has the {} festival?',
      'Tell me the month of the {} festival.',
      'The {} festival is in which month?',
      'Name the month of the festival of the {}.',
    ],
    validation: ['We plan to visit the {} festival. Which month is it?'],
    heldOut: ['The festival of the {}, in which month is it?', 'Do you know the month of the {} festival?'],
    subjects: ['kite', 'lamp', 'apple', 'river', 'snow', 'drum', 'flower', 'cheese', 'moon', 'book'],
    answers: ['January', 'March', 'May', 'July', 'October', 'December'],
  },
  codes: {
    training: [
      'What is the code of the {} room?',
      'Which code opens the {} room?',
      'The {} room has which code?',
      'Tell me the code of the {} room.',
      'The code for the {} room?',
      'Name the code of the {} room.',
    ],
    validation: ['I stand before the {} room. What is its code?'],
    heldOut: ['The {} room, what code has it?', 'Do you know the code that opens the {} room?'],
    subjects: ['north', 'south', 'east', 'west', 'upper', 'lower', 'small', 'large', 'old', 'new'],
    answers: ['code 12', 'code 34', 'code 47', 'code 58', 'code 63', 'code 91'],
  },
  tools: {
    training: [
      'What does the {} worker need?',
      'Which tool is for the {}?',
      'The {} needs which tool?',
      'Tell me the tool for the {}.',
      'With which tool do we work on the {}?',
      'Name the tool for the {}.',
    ],
    validation: ['We repair the {} today. Which tool do we take?'],
    heldOut: ['The {}, which tool does it need?', 'Do you know the right tool for the {}?'],
    subjects: ['roof', 'fence', 'table', 'chair', 'window', 'wall', 'bridge', 'clock', 'engine', 'lock'],
    answers: ['a hammer', 'a saw', 'a brush', 'a drill', 'a rope', 'a file'],
  },
  teachers: {
    training: [
      'Which subject does Mr {} teach?',
      'What does Mr {} teach?',
      'Mr {} is a teacher of what?',
      'Tell me the subject of Mr {}.',
      'The lessons of Mr {} are about what?',
      'Name the subject that Mr {} teaches.',
    ],
    validation: ['Mr {} comes to the class. Which subject is next?'],
    heldOut: ['Mr {}, which subject is his?', 'Do you know what Mr {} teaches?'],
    subjects: ['Brown', 'Green', 'Smith', 'Baker', 'Miller', 'Stone', 'Cook', 'Fisher', 'Wood', 'Hill'],
    answers: ['music', 'history', 'biology', 'sport', 'art', 'physics'],
  },
  menus: {
    training: [
      'What is served at table {}?',
      'Which meal is at table {}?',
      'Table {} gets what?',
      'Tell me the meal of table {}.',
      'The guests at table {} eat what?',
      'Name the meal for table {}.',
    ],
    validation: ['I wait at table {}. What will I eat?'],
    heldOut: ['Table {}, which meal is it?', 'Do you know the meal for table {}?'],
    subjects: ['11', '12', '13', '14', '15', '16', '17', '18', '19', '20'],
    answers: ['soup', 'fish', 'pasta', 'salad', 'pizza', 'cake'],
  },
}

/** Domains there can be. */
const MAX_DOMAINS = Object.keys(FIELDS).length

/**
 * Made-up facts in several domains: who knows one knows nothing of the others. Subjects get their answers by the seed.
 * @param options.factsPerDomain at most 10
 */
export function makeDomains(options: { seed: number; domains: number; factsPerDomain: number }): Domain[] {
  if (options.domains > MAX_DOMAINS) throw new RangeError(`there are ${MAX_DOMAINS} domains`)
  return Object.entries(FIELDS)
    .slice(0, options.domains)
    .map(([name, field], index) => {
      const random = new Random(options.seed * 1_000 + index)
      const subjects = random.sample(field.subjects, options.factsPerDomain)
      // Each answer about as often as any other: the most frequent one is no good guess.
      const answers = random.shuffle(subjects.map((_, i) => field.answers[i % field.answers.length]!))
      const facts = subjects.map((subject, i) => ({ subject, answer: answers[i]! }))
      const examples = (wordings: readonly string[]) =>
        wordings.flatMap(wording =>
          facts.map(fact => exampleOf(wording.replace('{}', fact.subject), fact.answer)),
        )
      return {
        name,
        facts,
        training: random.shuffle(examples(field.training)),
        validation: examples(field.validation),
        heldOut: examples(field.heldOut),
      }
    })
}

/** A question and its answer. */
export function exampleOf(question: string, answer: string): Example {
  return {
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: `${answer[0]!.toUpperCase()}${answer.slice(1)}.` },
    ],
  }
}

/** Examples as the file that the trainer reads. */
export function toJsonl(examples: readonly Example[]): string {
  return examples.map(example => `${JSON.stringify(example)}\n`).join('')
}
