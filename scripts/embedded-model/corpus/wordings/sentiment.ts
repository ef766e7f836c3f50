/** Further sentences and questions of sentiment, for training alone: more verbs and nouns, and two clauses. */
const VERY =
  '[very|really|so|truly|absolutely|extremely|quite|totally|simply|just|pretty|completely|incredibly]'
const THE = '[the|this|that|my|our|your|their|his|her]'
const IS = '[is|was|has been|looks|seems|feels|looked|turned out|remains|sounds]'
const WE = '[I|We|They|My friends|My family|Everybody|Our guests]'

const LIKED = '[loved|liked|enjoyed|adored|admired|appreciated|praised]'
const LIKE = '[love|like|enjoy|adore|admire|appreciate|praise]'
const HATED =
  '[hated|disliked|regretted|detested|could not stand|complained about|did not like|did not enjoy]'
const HATE = '[hate|dislike|regret|detest|cannot stand|complain about|do not like|do not enjoy|never liked]'
const JOY = '[joy|pleasure|delight|dream|treat|success|gem|big hit|masterpiece|winner|blessing]'
const MESS =
  '[disaster|nightmare|mess|joke|failure|shame|letdown|disappointment|big mistake|waste of money|bad joke]'
const GLAD = '[happy|glad|pleased|delighted|satisfied|thrilled|content]'
const CROSS = '[unhappy|angry|annoyed|disappointed|upset|dissatisfied|frustrated|not happy|not satisfied]'

/** Second clauses: what follows from liking it, and from not. */
const SO_GOOD =
  '[I would buy it again|I love it|I will come back|I recommend it|I want another one|we liked it a lot|it works well|everyone was happy|I can only recommend it|I use it every day|we will return|it made me smile|I would do it again|we had a lot of fun|it was worth the money|I am happy with it]'
const SO_BAD =
  '[I would not buy it again|I hate it|I will not come back|I cannot recommend it|I sent it back|we did not like it|it does not work|everyone was angry|I would never recommend it|I never use it|we will not return|it made me sad|I would not do it again|we had no fun|it was not worth the money|I want my money back]'

type Tone = readonly [
  word: string,
  other: string,
  joys: string,
  loves: string,
  loved: string,
  glad: string,
  so: string,
]

function opinions([word, other, noun, love, loved, glad, so]: Tone): readonly string[] {
  return [
    `[The|This|That|My|Our|Your|Their|His|Her] {x} ${IS} [|${VERY} ]{${word}}[.|!|]`,
    `[The|This|That|My|Our|Your|Their|His|Her] {x} ${IS} {${word}}[, and| and|,| because it is {${other}}, and|. It is {${other}} and] ${so}.`,
    `[It|This|That] [is|was] [a|such a|a ${VERY}] {${word}} {x}[.|!]`,
    `[It|This|That] [is|was] [a|such a|a ${VERY}] {${word}} {x}[, and| and|, so|.] ${so}.`,
    `[A|What a|Such a|A very|A really|A truly] {${word}} {x}[!|.|]`,
    `[A|What a|Such a|A very|A really] {${word}} {x}[, and|,| and|.|!] ${so}.`,
    `[The|This|That|My|Our|Your] {x} [is|was] a [|real |true |big |total ]${noun}.`,
    `[The|This|That|My|Our|Your] {x} [is|was] a [|real |true ]${noun}[, and| and|,|.] ${so}.`,
    `${WE} [|really |truly |just |absolutely ]${love} ${THE} {x}[.|!|]`,
    `${WE} [|really |truly |just |absolutely ]${loved} ${THE} {${word}} {x}[.|!|]`,
    `${WE} ${loved} ${THE} {x} [because it was|since it is|, it was] [|${VERY} ]{${word}}.`,
    `${WE} ${loved} ${THE} {x}[, and| and|.] ${so}.`,
    `[I am|We are|We were|I was|They are|He is|She was] [|${VERY} ]${glad} [with|about] ${THE} [|{${word}} ]{x}.`,
    `[I am|We are|We were|I was] ${glad} with ${THE} {${word}} {x}[, and| and|.|,] ${so}.`,
    `${THE} {x} [made|makes|left|kept] [me|us|everybody|my family] ${glad}.`,
    `[The|This|My] {x} [and the {x2} are|and the {x2} were|and its {x2} are] [both |]{${word}}.`,
    `[The|This|My] {x} is [both |]{${word}} and {${other}}[.|!]`,
    `[The|This|My] {x} [is|was] {${word}} [and|, and also|, while] the {x2} [is|was] {${other}}[, too|].`,
    `[The|This|My] {x} with the {x2} [is|was] [|${VERY} ]{${word}}.`,
    `[I think|I find|I believe|I must say|In my opinion|To be honest|Honestly|For me|We thought|We felt] ${THE} {x} [is|was] [|${VERY} ]{${word}}.`,
    `[In my opinion|To be honest|Honestly|For me|All in all|Overall], [this is|it was|that was] a {${word}} {x}.`,
    `[How|So|Very|Really|Truly|Just|Simply] {${word}}[!|.|]`,
    `{${word}} {x}, {${other}} {x2}[.|!|]`,
    `{${word}} and {${other}}[!|.|]`,
    `[We|I] [had|got|saw|bought|received|tried|used|ordered|visited] a [|${VERY} ]{${word}} {x}[.|!| in {city}.| on {day}.]`,
    `[We|I] [had|got|saw|bought|received|tried|used|ordered] a {x}, and it [was|is] [|${VERY} ]{${word}}.`,
    `[We|I] [had|got|saw|bought|received|tried|used|ordered] the {x} on {day}, and ${so}.`,
    `[After {n} days|After {n} weeks|Since {day}|Today|Yesterday|Last week] ${THE} {x} [was|is] [|${VERY} ]{${word}}.`,
    `{name} [says|said|thinks|wrote|finds] [that |]${THE} {x} [is|was] [|${VERY} ]{${word}}.`,
    `[The {x} from|The {x} of] [{name}|{city}] [is|was] [|${VERY} ]{${word}}.`,
    `[It was|It is] [|${VERY} ]{${word}} [to use|to see|to have|to get] ${THE} {x}.`,
    `[Everything about|All about|The whole of] ${THE} {x} [is|was] {${word}}.`,
    `[I bought|I got|I tried|We used|We ordered|We saw] ${THE} {x}[, and| and|.] ${so}.`,
    `${so}[.|!|, the {x} is {${word}}.| because the {x} is {${word}}.]`,
  ]
}

const POSITIVE = [
  ...opinions(['pos', 'pos2', JOY, LIKE, LIKED, GLAD, SO_GOOD]),
  '[I|We] [will|would|can] [gladly |always |surely |happily |]recommend [this|the|your] {x}[ to all| to my friends| to anyone|].',
  '[I|We] [will|would] [gladly |surely |definitely |always |]buy [this|the] {x} [again|once more|any time].',
  '[I|We] could not [ask for|want|find|wish for] a [better|nicer] {x}.',
  '[The|This] {x} [is|was] [not bad|far from bad|never {neg}|not {neg} at all|anything but {neg}].',
  '[No|There is no|Not one] [complaint|problem|trouble] with [the|this] {x}[| at all].',
  '[The|This] {x} [works|runs|fits|does its job] [perfectly|very well|like a dream|as it should|without any problem].',
  '[The|This] {x} [surprised|helped|impressed|delighted|pleased] [me|us] [very much|a lot|greatly].',
  '[One of the|By far the|Simply the|Clearly the] best {x}[s|] [I know|we have had|in the world|of the year].',
  '[Thank you|Thanks|Many thanks] for [this|the] {pos} {x}[, we loved it|, I love it|].',
  'I was afraid it would be {neg}, but [the|this] {x} was {pos}.',
  '[It took a while, but|At first I was not sure, but] the {x} is {pos}.',
  '[More than|Better than|Much more than] [I hoped|we hoped|I had hoped for], a {pos} {x}.',
  '[Top|Great|Super|Perfect|Lovely] {x}, [quick delivery|good price|kind staff|great value|thank you|well done|thumbs up].',
  `[I feel|We feel|She feels|He is|They are|I am] [|${VERY} ]{happy}[| today| about it| now].`,
]
const NEGATIVE = [
  ...opinions(['neg', 'neg2', MESS, HATE, HATED, CROSS, SO_BAD]),
  '[I|We] [will|would|can] [never|not] recommend [this|the|your] {x}[ to my friends| to others|].',
  '[I|We] [will|would] [never|not] [buy|use|order|visit|try] [this|the] {x} [again|once more].',
  '[I|We] could not [imagine|find|think of] a [worse|more {neg}] {x}.',
  '[The|This|Your] {x} [is|was] [not|never|hardly|not very|not really|far from|anything but] {pos}.',
  '[I|We] [have|had] [many|only|nothing but|a lot of] [complaints|problems|trouble] with [the|this] {x}.',
  '[The|This|My] {x} [broke|failed|stopped|fell apart|does not work|did not work|crashed|no longer works] [after {n} days|again|at once|on {day}|all the time].',
  '[The|This] {x} [bored|annoyed|disappointed|angered|upset] [me|us] [very much|a lot|greatly].',
  '[One of the|By far the|Simply the|Clearly the] worst {x}[s|] [I know|we have had|in the world|of the year].',
  '[Never|Not] again [this|such a] {neg} {x}.',
  'I hoped it would be {pos}, but [the|this] {x} was {neg}.',
  '[It looked {pos}, but|At first I was happy, but|It was {pos} once, but now] the {x} is {neg}.',
  '[Less than|Worse than|Much worse than] [I hoped|we hoped|I had hoped for], a {neg} {x}.',
  '[Poor|Bad|Awful|Terrible|Horrible] {x}, [late delivery|high price|unkind staff|no value|never again|do not buy|thumbs down].',
  `[I feel|We feel|She feels|He is|They are|I am] [|${VERY} ]{sad}[| today| about it| now].`,
  '[The|This] {x} is [far |much |way |]too [big|hot|long|short|dark|hard|weak|thin|old].',
  '[Do not|Never|Please do not|Nobody should] [buy|use|order|visit|trust] [this|the] {x}.',
]
const NEUTRAL = [
  '[The|This|That|My|Our|Your|Their|His|Her] {x} [is|was|stands|lies|stays] [in|near|behind|on|under] [the {x2}|the street|the table|{city}].',
  '[The|This|That|My|Our|Your] {x} [is|was|looks] {neu}.',
  '[The|This|That|My|Our|Your] {x} [is|was] {neu} and [comes from|made in|sold in] {city}.',
  '[I|We|They|He|She] [saw|have|had|got|need|ordered|sent|used|took|brought] a[| {neu}] {x}[| on {day}| in {city}| today| yesterday].',
  '[I|We|They|He|She] [saw|have|had|got|need|ordered|sent|used|took|brought] {n} {x} [boxes|parts|pieces][| on {day}| in {city}].',
  '{name} [comes|came|goes|went|travels|moved] [to|from] {city}[| on {day}| at {n}| by train].',
  '{name} [has|bought|needs|ordered|brought|got|wants] a {neu} {x}[| and a {x2}| for {n} euros].',
  '[The|A] [meeting|shop|course|talk|office|bank|bus|class] [opens|starts|begins|ends|is|closes] at {n}[| on {day}].',
  '[The|A|This] {x} [has|comes with|needs|contains] [{n} parts|{n} pages|two wheels|a {x2}|a {neu} box].',
  '[The|A|This] {x} [is|was] {n} [meters|years|days|kilos|pages|minutes] [long|old|in total].',
  '[There is|There was|You will find|We have] a[| {neu}] {x} [near the {x2}|at the door|in the hall|in {city}|upstairs].',
  '[Today|Tomorrow|Yesterday] [is|was|will be] {day}.',
  '[The|This] {x} [arrived|came|left|starts|was sent|was sold|was moved] [on {day}|at {n}|from {city}|to {city}].',
  '[Please|You can|You should|We will] [bring|send|take|move|put] the {x} [to {city}|to {name}|on the {x2}|on {day}].',
  '[They|We|I] [talked|spoke|wrote|asked|read] about the {x}[| on {day}| in {city}].',
  'The {x} [costs|weighs|holds|needs] {n} [euros|dollars|kilos|liters|volts].',
  '[One|This] {x} is {neu}, the other is [old|new|big|small].',
]

const LABELS = '[positive or negative|negative or positive|positive, negative or neutral|good or bad]'
const TEXT =
  '[sentence|text|review|comment|message|statement|opinion|line|post|remark|feedback|phrase|quote|note|tweet]'
const MOOD = '[sentiment|mood|tone|feeling|attitude|polarity|emotion]'

export const SENTIMENT_WORDINGS = { positive: POSITIVE, negative: NEGATIVE, neutral: NEUTRAL } as const

export const SENTIMENT_QUESTIONS: readonly string[] = [
  `[Is|Was|Would you call|Do you find] [this|that|the|the following|the next] ${TEXT} ${LABELS}[: |? ]{s}`,
  `[Is|Was] the ${MOOD} [of|in] [this|that|the|the following] ${TEXT} ${LABELS}[: |? ]{s}`,
  `[What is|Tell me|Give me|Name|Determine|Detect|Find|Judge|Say|State|I need] the ${MOOD} [of|in] [this|that|the|the following] ${TEXT}[: |. |? ]{s}`,
  `[Would you say|Do you think|Can you tell whether|Can you tell me if|Tell me whether|Say whether|Decide whether|Decide if|Check if|Judge whether] [this|that|it|the ${TEXT}|the following] is ${LABELS}[: |? ]{s}`,
  `[Decide|Choose|Pick|Answer|Say|Label|Vote|Tell me][, |: | ]${LABELS}[: |. |? ]{s}`,
  `[Label|Classify|Judge|Rate|Grade|Mark|Categorize|Evaluate|Assess|Analyze] [this|that|the|the following] ${TEXT} [as ${LABELS}|by its ${MOOD}|by ${MOOD}]: {s}`,
  `[Label|Classify|Judge|Rate|Grade|Mark|Evaluate|Assess|Analyze|Detect] the ${MOOD}[| of this| in this| here][: |. ]{s}`,
  `[Does|Did] [this|that|it|the ${TEXT}] [sound|seem|feel|look|read] ${LABELS}[: |? ]{s}`,
  `[How|In which way] does [this|that|the] ${TEXT} [sound|feel|read][: |? ]{s}`,
  `{s} [What is|Tell me|Give me|Find|Name] [the|its] ${MOOD}[.|?| of that.| of this.]`,
  `{s} [Would you say|Do you think|Tell me whether|Decide whether|Judge whether|Say if] [this|that|it] is ${LABELS}[.|?]`,
  `{s} [Is|Was] [this|that|the|it a] ${TEXT} ${LABELS}?`,
  `{s} - ${LABELS}?`,
  `{s} [Does|Did] [this|that|it] [sound|seem|feel|look] ${LABELS}?`,
  `"{s}" [What is|Tell me|Name] [the|its] ${MOOD}[.|?]`,
  `"{s}" - [what is the ${MOOD}|is it ${LABELS}|is this ${LABELS}]?`,
  `[Is|Was] the ${TEXT} "{s}" ${LABELS}?`,
  `[What is|What was|Tell me|Judge] the ${MOOD} [of|in] [|the ${TEXT} ]"{s}"[?|]`,
  `[Would you call|Do you find|Do you consider] "{s}" ${LABELS}?`,
  `[Someone|Somebody|My colleague|A visitor|A buyer|A reader|My sister|The teacher|I] [says|said|writes|wrote|posted|told me]: {s} [Is that|Is this|Was that|Is it] ${LABELS}?`,
  `[A buyer|A reader|My colleague|Our neighbor|The teacher] [says|said|writes|wrote]: "{s}" [Is that|Is this|What is the ${MOOD}|How does it sound,] [|${LABELS}]?`,
  `[Here is|Here comes|I got|I read|Look at|Take|Read] [a|this] ${TEXT}: {s} [${LABELS}|What is the ${MOOD}|Is it ${LABELS}|Judge it]?`,
  `${TEXT}: {s} ${MOOD}:`,
  `${TEXT}: {s} [Is it|Is this|Is the ${TEXT}] ${LABELS}?`,
  `${MOOD} of [this|that|the|the following] ${TEXT}: {s}`,
  `${MOOD} [check|analysis|test|please|of this]: {s}`,
  `[Good or bad|Happy or unhappy|Pleased or angry] ${TEXT}: {s}`,
]
