import type { Random } from './random.ts'
import { entitySplit, type Split, splitPool } from './split.ts'

const words = (text: string): string[] => text.trim().split(/\s+/)
const phrases = (text: string): string[] =>
  text
    .trim()
    .split(/\s*,\s*/)
    .filter(phrase => phrase !== '')

const FIRST_NAMES = words(`
  Aaron Ada Adam Adrian Agnes Ahmed Aisha Alan Albert Alex Alice Amanda Amelia Amir Amy Ana Andre Andrea Andrew
  Angela Anita Anna Anton Anya Arthur Asha Astrid Aylin Barbara Beatrice Bella Ben Bernd Bianca Bilal Boris Brenda
  Brian Bruno Caleb Camila Carl Carla Carlos Carmen Carol Cecilia Celine Chen Chloe Chris Clara Claire Colin Cora
  Dana Daniel Daria Dave David Deborah Dennis Diana Diego Dmitri Dora Edgar Edith Eduardo Elena Eli Elias Elif Elisa
  Ella Emil Emily Emma Eric Erika Erin Esther Eva Evan Fatima Felix Fiona Flora Frank Freya Gabriel George Gina Giulia
  Grace Greta Gustav Hana Hannah Hans Harold Harry Hassan Heidi Helen Henry Hugo Ian Ibrahim Ida Igor Ines Ingrid Irene
  Iris Isaac Ivan Jack Jacob Jane Jasmine Javier Jean Jenny Joan Joel Johan John Jonas Jose Joseph Josh Julia Julian
  June Kai Karen Karim Karl Kate Kemal Kenji Kevin Klara Kofi Kurt Lara Larry Laura Layla Lea Leila Leo Leon Lena Liam
  Lily Linda Lisa Liz Lola Louis Luca Lucy Luis Luke Lydia Magda Malik Marco Margaret Maria Marie Mark Marta Martin
  Mary Mateo Matt Maya Mehmet Mei Mia Michael Miguel Mike Mila Milan Mira Mohamed Mona Monica Nadia Naomi Natalie Nick
  Nicole Nina Noah Nora Norman Olaf Olga Oliver Olivia Omar Oscar Otto Pablo Pamela Patrick Paul Paula Pavel Pedro
  Peter Petra Philip Pia Quinn Rachel Rafael Rahul Ralph Ravi Rebecca Rita Robert Roberto Rosa Rose Ruby Ruth Ryan
  Sabine Sam Samir Sandra Sara Sarah Scott Sean Sergei Simon Sofia Sonia Stefan Stella Steve Susan Sven Tamara Tanja
  Tara Teresa Theo Thomas Tim Tina Tobias Tom Tony Uma Ursula Valerie Vera Victor Viktor Violet Walter Wanda Wei
  William Xavier Yara Yasmin Yuki Yusuf Zoe Zara`)

/** Those of the first names that are given to women; the others are taken as men's. */
const FEMININE = new Set(
  words(`Ada Agnes Aisha Alice Amanda Amelia Amy Ana Andrea Angela Anita Anna Anya Asha Astrid Aylin Barbara Beatrice Bella
  Bianca Brenda Camila Carla Carmen Carol Cecilia Celine Chloe Clara Claire Cora Dana Daria Deborah Diana Dora Edith Elena
  Elif Elisa Ella Emily Emma Erika Erin Esther Eva Fatima Fiona Flora Freya Gina Giulia Grace Greta Hana Hannah Heidi Helen
  Ida Ines Ingrid Irene Iris Jane Jasmine Jean Jenny Joan Julia June Karen Kate Klara Lara Laura Layla Lea Leila Lena Lily
  Linda Lisa Liz Lola Lucy Lydia Magda Margaret Maria Marie Marta Mary Maya Mei Mia Mila Mira Mona Monica Nadia Naomi
  Natalie Nicole Nina Nora Olga Olivia Pamela Paula Petra Pia Rachel Rebecca Rita Rosa Rose Ruby Ruth Sabine Sandra Sara
  Sarah Sofia Sonia Stella Susan Tamara Tanja Tara Teresa Tina Uma Ursula Valerie Vera Violet Wanda Yara Yasmin Yuki Zoe
  Zara`),
)

const SURNAMES = words(`
  Adams Ali Allen Almeida Andersen Bailey Baker Banerjee Barnes Bauer Becker Bell Bennett Berg Bianchi Blake Bond
  Brandt Brown Burke Butler Campbell Carter Castro Chan Clark Cohen Cole Collins Conti Cook Cooper Costa Cox Cruz Davis
  Diaz Dixon Duarte Dubois Dunn Edwards Evans Fischer Fisher Flores Ford Foster Fox Fuchs Garcia Gibson Gomez Gordon
  Graham Gray Green Grant Gupta Haas Hall Hansen Harris Hart Hayes Hill Hoffmann Holmes Horvat Hughes Hunt Ito Ivanov
  Jackson Jansen Jensen Johnson Jones Kaya Keller Kelly Khan Kim King Klein Knight Koch Kovacs Kowalski Kruger Kumar
  Lang Larsen Laurent Lee Lewis Lindberg Lopez Marino Marsh Martinez Mason Meyer Miller Mitchell Moore Morales Moreau
  Morgan Murphy Myers Nakamura Nguyen Nielsen Novak Okafor Olsen Ortiz Owens Palmer Park Parker Patel Perez Peters
  Petrov Phillips Porter Price Quinn Ramos Reed Reyes Richter Rivera Roberts Rogers Romano Rossi Roth Russell Saito
  Sanchez Santos Schmidt Schneider Scott Shaw Silva Simmons Singh Smith Sokolov Stewart Stone Suzuki Tanaka Taylor
  Torres Tran Turner Vargas Vogel Wagner Walker Wallace Wang Ward Watson Weber Webb West White Williams Wilson Wolf
  Wong Wood Wright Yamada Yilmaz Young Zhang Zimmer`)

const CITIES = phrases(`
  Amsterdam, Ankara, Athens, Atlanta, Austin, Baghdad, Baltimore, Bangkok, Barcelona, Basel, Beijing, Belfast,
  Belgrade, Bergen, Berlin, Bern, Bilbao, Bogota, Bologna, Bombay, Bonn, Bordeaux, Boston, Bremen, Bristol, Brno,
  Brussels, Bucharest, Budapest, Cairo, Calgary, Cape Town, Cardiff, Chicago, Cologne, Copenhagen, Dakar, Dallas, Delhi,
  Denver, Detroit, Dresden, Dubai, Dublin, Edinburgh, Florence, Frankfurt, Gdansk, Geneva, Genoa, Ghent, Glasgow, Graz,
  Hamburg, Hanoi, Havana, Helsinki, Hong Kong, Houston, Istanbul, Jakarta, Kyiv, Krakow, Kyoto, Lagos, Leeds, Leipzig,
  Lille, Lima, Lisbon, Liverpool, London, Los Angeles, Lyon, Madrid, Malaga, Manchester, Manila, Marseille, Melbourne,
  Mexico City, Miami, Milan, Montreal, Moscow, Mumbai, Munich, Nairobi, Nantes, Naples, New York, Nice, Oslo, Ottawa,
  Oxford, Palermo, Paris, Perth, Porto, Prague, Quito, Riga, Rome, Rotterdam, Salzburg, San Diego, Santiago, Sao Paulo,
  Seattle, Seoul, Seville, Shanghai, Singapore, Sofia, Stockholm, Sydney, Taipei, Tallinn, Tehran, Tokyo, Toronto,
  Trieste, Turin, Utrecht, Valencia, Vancouver, Venice, Vienna, Vilnius, Warsaw, Washington, Zagreb, Zurich`)

const COUNTRIES = phrases(`
  Albania, Algeria, Argentina, Armenia, Australia, Austria, Bangladesh, Belgium, Bolivia, Brazil, Bulgaria, Cambodia,
  Cameroon, Canada, Chile, China, Colombia, Croatia, Cuba, Cyprus, Denmark, Ecuador, Egypt, Estonia, Ethiopia, Finland,
  France, Georgia, Germany, Ghana, Greece, Hungary, Iceland, India, Indonesia, Iran, Iraq, Ireland, Israel, Italy, Jamaica,
  Japan, Jordan, Kenya, Kuwait, Latvia, Lebanon, Lithuania, Malaysia, Malta, Mexico, Mongolia, Morocco, Nepal, New Zealand,
  Nigeria, Norway, Pakistan, Panama, Peru, Poland, Portugal, Romania, Russia, Senegal, Serbia, Slovakia, Slovenia,
  South Africa, South Korea, Spain, Sweden, Switzerland, Syria, Thailand, Tunisia, Turkey, Uganda, Ukraine, Uruguay,
  Venezuela, Vietnam, Zambia`)

const JOBS = phrases(`
  accountant, actor, architect, artist, baker, banker, barber, biologist, builder, bus driver, butcher, carpenter,
  cashier, chef, chemist, cleaner, clerk, coach, cook, dancer, dentist, designer, detective, doctor, driver, editor,
  electrician, engineer, farmer, firefighter, fisherman, gardener, guide, hairdresser, historian, janitor, journalist,
  judge, lawyer, lecturer, librarian, locksmith, manager, mechanic, miner, model, musician, nurse, optician, painter,
  pharmacist, photographer, physicist, pilot, plumber, poet, police officer, porter, postman, potter, printer,
  programmer, reporter, sailor, salesman, scientist, sculptor, secretary, shepherd, singer, soldier, surgeon, tailor,
  taxi driver, teacher, technician, tester, tour guide, translator, vet, waiter, watchmaker, weaver, welder, writer`)

/** Things that can be bought, counted and judged, singular. */
const THINGS = phrases(`
  apple, armchair, backpack, bag, ball, basket, bed, bell, belt, bicycle, blanket, book, boot, bottle, bowl, box, brush,
  bucket, cake, camera, candle, cap, carpet, chair, clock, coat, coin, comb, computer, cup, curtain, cushion, desk, doll,
  dress, drum, earring, fan, flute, fork, frame, glove, guitar, hammer, hat, headphone, heater, helmet, jacket, jar,
  kettle, key, keyboard, kite, knife, ladder, lamp, laptop, lemon, lens, lock, magazine, map, mattress, melon, microphone,
  mirror, monitor, mug, necklace, notebook, onion, orange, oven, pan, peach, pear, pen, pencil, phone, piano, pillow,
  plate, potato, printer, pumpkin, puzzle, radio, ring, rope, ruler, saw, scarf, screen, shelf, shirt, shoe, shovel, sofa,
  speaker, spoon, stamp, stool, suitcase, sweater, table, tablet, teapot, tent, ticket, tie, toaster, tomato, towel, toy,
  tray, umbrella, vase, violin, wallet, watch, whistle, window`)

/** Single lower-case nouns of every first letter, for lists to sort. */
const NOUNS = words(`
  acorn actor airport alarm album alley almond amber anchor angle ankle apple apricot apron arch arm arrow ash atlas
  attic autumn avocado axe baby badger bag ball balloon bamboo banana band bank barn barrel basil basket bat bay beach
  bean bear beaver bed bee beetle bell belt bench berry bicycle bird biscuit blanket boat bone book boot bottle bowl box
  branch bread brick bridge broom brother brush bucket bus bush butter button cabin cable cactus cake camel camera canal
  candle canoe canyon cap car card carpet carrot castle cat cave cedar ceiling celery cello chain chair chalk cheese
  cherry chess chest chicken chimney church cinema circle city clay cliff clock cloud clover coast coat coconut coffee
  coin comb copper coral corn cotton couch cousin cow crab cradle crane crayon cream cricket crow crown cup curtain cycle
  dagger daisy dam dance daughter dawn deer desert desk diamond diary dinner dish doctor dog doll dolphin donkey
  door dove dragon drawer dream dress drum duck dune dust eagle ear earth east echo eel egg elbow elephant elm ember
  emerald engine envelope evening eye fabric face falcon farm father feather fence fern ferry fiddle field fig finger
  fire fish flag flame flour flower flute fly fog fork forest fork fossil fountain fox frame friend frog frost fruit
  garage garden garlic gate ghost giraffe glacier glass globe glove goat gold goose grape grass guitar gull hail hair
  hall hammer harbor harp hat hawk hay hazel heart hedge helmet hen herb heron hill honey hook horn horse hospital hotel
  house ice igloo inch ink insect iron island ivory ivy jacket jaguar jam jar jasmine jelly jewel juice jungle kangaroo
  kettle key king kitchen kite kitten knee knife knot koala lace ladder lady lake lamb lamp land lantern lark lava lawn
  leaf leather lemon lens leopard letter lettuce library lily lime linen lion lizard lobster lock log lotus magnet mango
  map maple marble market mask meadow melon metal milk mill mint mirror mole monkey moon moose morning mosquito moss moth
  mother motor mountain mouse mouth museum mushroom music nail napkin needle nest net night north nose notebook nurse
  nut oak oasis oat ocean octopus office oil olive onion opera orange orbit orchard orchid organ otter oven owl ox
  oyster paddle page paint palace palm pan panda paper parcel park parrot parsley path peach peacock pear pearl pebble
  pen pencil penguin pepper piano picture pie pigeon pillow pilot pine pipe pirate pizza plane planet plate plum pocket
  pond pony poppy port potato prince prism puddle pump pumpkin puppy purse puzzle pyramid quail quarry quartz queen quill
  quilt rabbit raccoon radio raft rail rain raisin raven razor reef ribbon rice ring river road robin rock rocket roof
  room root rope rose ruby rug ruler saddle sail salad salmon salt sand sauce saw scarf school sea seal seed shadow
  shark sheep shelf shell ship shirt shoe shore shovel silk silver sister skate sky sled snail snake snow soap sock sofa
  soup south spade sparrow spider spinach spoon spring squid squirrel stable stairs star station stone stool storm stove
  straw stream street sugar summer sun swan sweater sword syrup table tail tea teapot temple tent thorn thread throne
  thunder tiger timber toast toe tomato tooth torch tower town toy train tray tree trout truck trumpet tulip tunnel
  turkey turnip turtle twig umbrella uncle unicorn vale valley van vase vault vegetable velvet vest village vine vinegar
  violet violin volcano voyage vulture wagon wall wallet walnut walrus wasp watch water wave wax weasel west whale wheat
  wheel whistle willow wind window wine wing winter wolf wood wool worm yacht yak yard yarn yogurt zebra zero zinc zone`)

const COLORS = words(
  'amber beige black blue bronze brown coral cream crimson cyan gold gray green indigo ivory khaki ' +
    'lavender lilac lime magenta maroon mint navy olive orange peach pink plum purple red rose ruby salmon scarlet ' +
    'silver tan teal turquoise violet white yellow',
)

const COMPANIES = words(
  'Acme Alpina Arcadia Argent Atlas Aurora Bluebird Borealis Brightway Cedarline Cobalt Corvus ' +
    'Delphi Driftwood Eastgate Elmwood Ember Evergreen Fairfield Falcon Foxglove Gemini Granite Greenleaf Harborview ' +
    'Helios Highland Horizon Ironbridge Juniper Kestrel Lakeside Lighthouse Lumen Maple Meridian Millstone Nimbus ' +
    'Northwind Novatek Oakridge Octavia Orion Pinecrest Polaris Quantum Redstone Riverton Saffron Sierra Silverline ' +
    'Skylark Solara Stonehill Summit Sunrise Tamarack Tidewater Umbra Unity Vertex Vista Westbrook Wildflower Zenith',
)

/** Topics that the model knows nothing about. */
const TOPICS = phrases(`
  the Roman Empire, the French Revolution, the moon landing, the human heart, black holes, dinosaurs, volcanoes, the
  Amazon rainforest, the stock market, quantum physics, football, basketball, tennis, chess openings, jazz music, opera,
  Shakespeare, Mozart, Beethoven, Napoleon, Cleopatra, Einstein, Newton, Darwin, Picasso, Van Gogh, the Olympic games,
  the pyramids, the Great Wall, Mount Everest, the Pacific Ocean, the Sahara, Japan, France, Brazil, Canada, Egypt, India,
  Germany, Italy, Spain, Mexico, Kenya, Norway, Australia, China, Peru, Poland, Turkey, Greece, Iceland, climate change,
  solar panels, electric cars, steam engines, rockets, airplanes, submarines, the internet, television, photography,
  architecture, philosophy, religion, psychology, medicine, vaccines, vitamins, cancer, diabetes, headaches, sleep, yoga,
  running, swimming, cooking pasta, baking bread, coffee, green tea, red wine, chocolate, cheese, sushi, pizza, curry,
  gardening, roses, oak trees, bees, whales, sharks, elephants, penguins, cats, dogs, horses, snakes, spiders, butterflies,
  photosynthesis, gravity, magnetism, electricity, evolution, genetics, atoms, molecules, the periodic table, geometry,
  algebra, prime numbers, calculus, statistics, programming, python, javascript, databases, operating systems, linux,
  cryptography, blockchain history, computer games, movies, the Beatles, poetry, fairy tales, Greek myths, Vikings,
  samurai, knights, pirates, castles, the Middle Ages, World War Two, the Cold War, democracy, taxes, inflation, mortgages,
  insurance, tourism, train travel, camping, skiing, surfing, mountain climbing, fishing, sailing, astronomy, Mars, Jupiter,
  Saturn, comets, the sun, earthquakes, hurricanes, thunderstorms, snow, deserts, rivers, glaciers, coral reefs, jungles,
  dolphins, wolves, bears, tigers, eagles, frogs, ants, fungi, bacteria, viruses, the brain, the lungs, blood, bones,
  muscles, teeth, the eye, hearing, dreams, memory, happiness, love, friendship, fashion, perfume, jewelry, gold, diamonds,
  oil, coal, nuclear power, wind turbines, bridges, tunnels, skyscrapers, submarine cables, satellites, robots, drones,
  telescopes, microscopes, clocks, calendars, paper money, coins, stamps, dictionaries, alphabets, Latin, Esperanto`)

export interface Lexicon {
  firstNames: readonly string[]
  surnames: readonly string[]
  cities: readonly string[]
  countries: readonly string[]
  jobs: readonly string[]
  things: readonly string[]
  nouns: readonly string[]
  colors: readonly string[]
  companies: readonly string[]
  topics: readonly string[]
}

const POOLS: { [K in keyof Lexicon]: Record<Split, readonly string[]> } = {
  firstNames: splitPool(FIRST_NAMES),
  surnames: splitPool(SURNAMES),
  cities: splitPool(CITIES),
  countries: splitPool(COUNTRIES),
  jobs: splitPool(JOBS),
  things: splitPool(THINGS),
  nouns: splitPool(NOUNS),
  colors: splitPool(COLORS),
  companies: splitPool(COMPANIES),
  topics: splitPool(TOPICS),
}

/** The words one split may use. */
export function lexicon(split: Split): Lexicon {
  return Object.fromEntries(
    Object.entries(POOLS).map(([name, pool]) => [name, pool[split]]),
  ) as unknown as Lexicon
}

const ONSETS = words(
  'b bl br c ch cl cr d dr f fl fr g gl gr h j k kl kr l m n p ph pl pr qu r s sc sh sk sl sm sn sp st str sw t th tr tw v w wh y z',
)
const VOWELS = words('a a a e e e i i i o o o u u ai au ay ea ee ei ie io oa oo ou ow y')
const CODAS = words('b ck d f g k l ll m n n n nd ng nk nt p r r rd rk rn rt s s sh ss st t th x ve ne se te')

/**
 * A made-up word of a split, such as "brandoke": training on these teaches copying and comparing letters
 * instead of remembering words. Lower case, three letters or more.
 */
export function madeUpWord(random: Random, split: Split): string {
  for (;;) {
    const word = anyWord(random)
    if (entitySplit(word) === split) return word
  }
}

/**
 * One of the words or, in training, with the given chance one that looks like them but is none: made up, or the
 * beginning of one with the end of another. Where words are held out, training must show that any may come.
 */
export function wordLike(random: Random, split: Split, list: readonly string[], strange: number): string {
  const word = random.pick(list)
  if (split !== 'train' || !random.chance(strange)) return word
  for (;;) {
    const found = random.chance(0.4) ? anyWord(random) : blend(random, list)
    if (found.length > 2 && entitySplit(found) === split)
      return /^[A-Z]/.test(word) ? capitalise(found.toLowerCase()) : found
  }
}

/** The beginning of one word with the end of another. */
function blend(random: Random, list: readonly string[]): string {
  const part = () => random.pick(random.pick(list).split(' '))
  const [head, tail] = [part(), part()]
  const cut = Math.ceil((head.length * random.between(3, 7)) / 10)
  return head.slice(0, cut) + tail.slice(Math.floor((tail.length * random.between(4, 7)) / 10)).toLowerCase()
}

function anyWord(random: Random): string {
  const syllables = random.pick([1, 1, 2, 2, 2])
  let word = random.chance(0.2)
    ? random.pick(['a', 'e', 'i', 'o', 'u', 'in', 'un', 'al', 'or', 'el', 'am'])
    : ''
  for (let i = 0; i < syllables; i++) {
    word += random.pick(ONSETS) + random.pick(VOWELS)
    if (i === syllables - 1 ? random.chance(0.75) : random.chance(0.3)) word += random.pick(CODAS)
  }
  return word.length < 3 ? `${word}${random.pick(CODAS)}` : word
}

/** The pronoun of a first name that is in the lexicon. */
export function pronounOf(firstName: string): 'he' | 'she' {
  return FEMININE.has(firstName) ? 'she' : 'he'
}

export function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

const ONES =
  words(`zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
  seventeen eighteen nineteen`)
const TENS = words('zero ten twenty thirty forty fifty sixty seventy eighty ninety')

/** A number from 0 to 99 in English words. */
export function spelled(value: number): string {
  if (value < 20) return ONES[value] as string
  const tens = TENS[Math.floor(value / 10)] as string
  return value % 10 === 0 ? tens : `${tens}-${ONES[value % 10]}`
}

/** A regular English plural. */
export function plural(noun: string): string {
  if (/(s|x|z|ch|sh)$/.test(noun)) return `${noun}es`
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`
  if (/(tomato|potato)$/.test(noun)) return `${noun}es`
  if (/fe$/.test(noun)) return `${noun.slice(0, -2)}ves`
  if (/(shelf|scarf)$/.test(noun)) return `${noun.slice(0, -1)}ves`
  return `${noun}s`
}

/** "a" or "an" before a noun, by its first letter. */
export function article(noun: string): string {
  return /^[aeiou]/i.test(noun) && !/^(uni|eu|one)/i.test(noun) ? `an ${noun}` : `a ${noun}`
}
