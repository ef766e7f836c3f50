/** Further tasks, openings, events and remarks of summaries, for training alone. */
const SUM = '[Summarize|Summarise|Sum up|Shorten|Condense|Abridge|Cut down|Boil down|Compress|Reduce]'
const TEXT =
  '[text|story|passage|article|message|paragraph|news|report|note|piece|account|tale|lines|sentences|snippet|content]'
const THIS = '[this|the|the following|that|my|these]'
const BRIEF =
  '[in one sentence|in one line|briefly|in a few words|in short|in a single sentence|to one sentence|with one sentence|shortly|as short as possible|in one short sentence|to a single line]'
const GIST =
  '[summary|short summary|gist|main point|essence|short version|main idea|core|key point|brief summary|one-line summary|one sentence summary|main event|central point|outline]'

export const SUMMARY_TASKS: readonly string[] = [
  `${SUM} ${THIS} ${TEXT}[: |. |:\n]{s}`,
  `${SUM} ${THIS} ${TEXT} ${BRIEF}[: |. ]{s}`,
  `${SUM} [it|this|what happened|what is said|the events] ${BRIEF}[: |. ]{s}`,
  `${BRIEF}[: |, please: ]{s}`,
  `[Give|Write|Tell|Make|Send|Show|Find] [me |][a|the] ${GIST} [of|for] ${THIS} ${TEXT}[: |. ]{s}`,
  `[Give|Write|Tell|Make|Create|Find] [me |][a|the] ${GIST}[: |. | of it: | here: ]{s}`,
  `[What is|What would be|Tell me|I need|I want|Which is|Name] the ${GIST} [of|in] ${THIS} ${TEXT}[: |? |. ]{s}`,
  `[What is|What would be|Tell me|I need|I want] the ${GIST}[: |? | here? | of this: ]{s}`,
  `[Can|Could|Would|Will] you [summarize|summarise|sum up|shorten|condense|retell|describe] ${THIS} ${TEXT}[| ${BRIEF}][: |? ]{s}`,
  `[Can|Could|Would|Will] you [give me|write|make|find] [a|the] ${GIST}[| of ${THIS} ${TEXT}][: |? ]{s}`,
  `[I need|I want|I would like|Please write|We need] a ${GIST}[| of ${THIS} ${TEXT}][: |. ]{s}`,
  `[What|Who did what|What exactly|What all] [happened|happens|was done|took place] [in ${THIS} ${TEXT}|here|there][: |? ]{s}`,
  `[What does|What did] ${THIS} [text|story|passage|article|message|paragraph|report|note] [say|tell|tell us|report|want to say][| ${BRIEF}]? {s}`,
  `[What is|What was] ${THIS} [text|story|passage|message|paragraph|report|note] about[| ${BRIEF}]? {s}`,
  `[Tell|Say|Explain|Retell|Describe|Report|Repeat] [me |][${THIS} ${TEXT}|what happened|what it says|it|what this says] ${BRIEF}[: |. ]{s}`,
  `[Make|Write|Turn] [this|it|the text|the story] [shorter|into one sentence|short|brief|into a single line][: |. ]{s}`,
  `[Read|Take|Look at|Here is] ${THIS} ${TEXT} and [summarize it|sum it up|tell me the ${GIST}|give me the ${GIST}][: |. ]{s}`,
  `[Only the|Just the|The] ${GIST}[|, please][: |. ]{s}`,
  `${GIST} of ${THIS} ${TEXT}: {s}`,
  `${GIST}: {s}`,
  `${TEXT}: {s} [Summarize it|Sum it up|${GIST}:|What happened?|What is the ${GIST}?|In one sentence?|In short?|${SUM} ${BRIEF}.]`,
  `{s} ${SUM} [this|that|it|${THIS} ${TEXT}][| ${BRIEF}].`,
  `{s} [Give me|Write|Tell me|What is|Make|I need|What would be] [the|a] ${GIST}[.|?| of this.| of that.]`,
  `{s} [What happened|What is this about|What is it about|What does it say|So what happened|What does this say|Who did what]?`,
  `{s} [Can|Could|Would|Will] you [summarize|summarise|sum up|shorten|condense] [this|that|it|${THIS} ${TEXT}][| ${BRIEF}]?`,
  `{s} [In short?|In one sentence?|In one line, please.|Briefly?|Shorter, please.|Short version?|Now in one sentence.]`,
  `{s} ${BRIEF}`,
]

export const SUMMARY_OPENINGS: readonly string[] = [
  '{who} [is|was|works as|has been|became] {ajob} [in|near|from|outside] {city}.',
  '{who}, {ajob}, [lives|works|stays|has a house] [in|near] {city}.',
  '{who} [lives|works|stays|studies|grew up|was born|has a flat|spends the summer] [in|near|outside|close to] {city}.',
  '{who} [lives|works|stays] [in|near] {city} [and is {ajob}|as {ajob}|and works as {ajob}|with {friend}|with two dogs].',
  '{who} is {age}[| years old][| and comes from {city}| and lives in {city}| and works as {ajob}| and is {ajob}].',
  '{who} is {ajob} [with many friends|with a big family|of {age} years|with {n} dogs] [in|from|near] {city}.',
  '{who} [has worked|has lived|has been|worked|lived] in {city} [for|since] {n} [years|weeks|months].',
  '{who} [comes|came|is] [from|originally from] {city}.',
  '{who} and {friend} [live|work|are friends] in {city}.',
  '[Everybody|Everyone|Nearly everyone] in {city} knows {who}.',
  '[This is|Meet] {who}, {ajob} from {city}.',
  '[In {city} lives|In {city} there is] {who}, {ajob}.',
]

export const SUMMARY_WHEN: readonly string[] = [
  'On [the first|the last|a|that|one|every] [day|evening|weekend|night|Sunday] [of {month}|in {month}]',
  '[Every|Each|One|Last|This|On a] [spring|summer|winter|autumn|fine day|cold night]',
  '[In the middle of|At the beginning of|By the end of|Before|After|Since|Around] [{month}|the week|the year|{day}|the night]',
  '[A day|A week|A month|A year|{n} days|{n} weeks|{n} years] [later|ago|before]',
  '[Right|Soon|Shortly|Long|Just] [after|before] [lunch|dinner|school|noon|midnight|work|the rain]',
  '[Recently|Suddenly|Finally|Later|Then|Once|Soon|First|Tonight|At last|In the end|Again]',
  '[When|While|As soon as] it [rained|was dark|got cold|snowed|got late]',
  '[{day}|{month}|Sunday|Yesterday] [morning|evening|night|afternoon]',
]

const GOT =
  '[bought|found|built|repaired|cleaned|carried|washed|opened|hid|broke|stole|borrowed|rented|drew|packed|moved|sold|painted|lost|took|chose|got|made|wanted|needed|kept|saw|tested|fixed|ordered|designed]'
const GAVE =
  '[gave|brought|showed|promised|handed|sent|lent|sold|passed|offered|returned|mailed|left|read|threw]'

export const SUMMARY_EVENTS: readonly string[] = [
  `${GOT} {athing} [in|near|from] [{city2}|the {place}]`,
  `${GOT} {athing} [for|with|from] [{friend}|the {group}|a {animal}]`,
  `${GOT} {n} {things} [in|near|from|behind] [{city2}|the {place}]`,
  `${GOT} {n} {things} [for|with] [{friend}|the {group}|{n} children]`,
  `${GOT} [{athing}|{n} {things}]`,
  `${GOT} a [new|old|red|big|small|blue|broken|cheap] {thing2} [in|near|for|with|from] [{city2}|{friend}]`,
  `${GAVE} {athing} to [{friend}|the {group}|a {animal}|the {place}|{city2}]`,
  `${GAVE} {n} {things} to [{friend}|the {group}|the {place}|{city2}]`,
  `${GAVE} {friend} [{athing}|{n} {things}]`,
  `[saw|fed|followed|heard|caught|washed|painted|lost|chased|found|bought|sold|saved|met|kept|carried|drew] [a|the] {animal} [near|behind|at|from|in|for] [the {place}|{city2}]`,
  `[saw|called|helped|followed|heard|invited|thanked|taught|visited|drove|met|asked|married|found|joined] {friend} [at|in|near|behind] [the {place}|{city2}]`,
  `[walked|drove|ran|went|swam|travelled|moved|rode|flew|sailed|returned|came|hurried] [to|from|through|around] [{city2}|the {place}][| with {friend}| with {athing}| with a {animal}]`,
  `[made|prepared|cooked|ordered|brought|served|baked] [breakfast|lunch|tea|soup|pizza|dinner|cake|bread] [for|with] [{friend}|the {group}|{n} people]`,
  `[painted|cleaned|opened|closed|left|visited|searched|rented|bought|built] the {place} [with|for|near] [{friend}|the {group}|{city2}]`,
  `[sang|danced|played|worked|waited|slept|ate|talked|read] [with|for|near] [{friend}|the {group}|a {animal}|the {place}][| in {city2}]`,
  `[wrote|sent|read|got|lost|found] [a letter|a book|a message|a story|a song] [to|about|for|from] [{friend}|{city2}|the {place}|{things}]`,
]

export const SUMMARY_COMPANY_EVENTS: readonly string[] = [
  '[opened|closed|built|sold|bought|rented|moved|cleaned|planned|started] [a|its|a new|a small|an old|the first|another] [factory|office|shop|school|hotel|store|house|office][| in {city2}| near {city2}]',
  '[released|showed|sold|built|made|presented|tested|announced|designed|stopped|repaired] [{athing2}|a new {thing2}|its new {thing2}|the first {thing2}|a small {thing2}][| in {city2}| for {city2}| with {company2}]',
  '[sold|made|ordered|delivered|sent|showed|bought|lost|tested|gave|shipped] [{n}|{n} new|{n} old|{n} small] {things2}[| in {city2}| to {city2}| for {city2}| to {friend}| to {company2}]',
  '[hired|fired|trained|paid|thanked|invited|lost|found] [{n} people|{n} workers|{friend}|{n} drivers|{n} new workers][| in {city2}| from {city2}| for {company2}]',
  '[won|got|received|lost|gave|wanted] [a prize|an award|an order|a letter|{n} dollars|a contract] [in {city2}|for its {things2}|from {company2}|from {city2}]',
  '[changed|raised|lowered|cut|doubled] the price of its {things2}[| in {city2}]',
  '[moved|came|went|expanded|returned] to {city2}[| with {n} workers| with {company2}]',
]

export const SUMMARY_REMARKS: readonly string[] = [
  'The [weather|morning|afternoon|night|week|wind|sky] was {weather}.',
  'It was [a {weather}|a busy|a good|an important|a short|a beautiful] [morning|week|day|night|month].',
  '[Many|Some|Few|A lot of|{n}|The local|Two old] [people|friends|guests|visitors|children|neighbors] [came|watched|helped|smiled|clapped|asked about it|stayed until the evening|heard of it].',
  '[Everybody|Everyone|Nobody|The family|The whole street] [smiled|noticed|helped|was glad|was there|talked for hours|knew about it|believed it].',
  'It [took|lasted|needed] [{n} minutes|{n} weeks|the whole day|a long time].',
  'It [cost|was worth] {n} dollars.',
  '{Pron} was [glad|hungry|excited|nervous|relieved|calm] [later|in the evening|about it|the whole day].',
  '{Pron} has {n} [books|friends|cousins|plants|hats].',
  '{Pron} likes [cake|the sea|chess|cold weather|old films].',
  'There was [music|cake|a photo|rain|a long line] [too|afterwards|in the evening].',
  'The [radio|newspaper|children|police|friends] [talked|wrote|asked|heard] about it [later|for weeks|the next day].',
  '[The photos|The pictures|The reports] are [on the wall|in the paper|very nice].',
]

export const SUMMARY_COMPANY_OPENINGS: readonly string[] = [
  '{who} is [a|an old|a young|a big|the biggest|a small|a family] [company|business|firm|shop] [from|in|near] {city}.',
  '{who} [makes|sells|builds|repairs|designs] {things}[| in {city}| for many years| for {n} years].',
  '{who} has [an office|a shop|{n} shops|{n} people|{n} workers] in {city}.',
  '{who} was founded [in {city} |]{n} years ago[| by {friend}].',
  'The [company|firm] {who} [comes from|works in|makes {things} in|has its office in] {city}.',
]
