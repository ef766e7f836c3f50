import { type Calibration, calibrate } from '../../inference/audit/calibration.ts'
import { ABSENT, CATEGORIES } from '../../inference/audit/cells.ts'
import { logSumExp, proportionUpperBound } from '../../inference/audit/distributions.ts'
import { receiptLogRatios } from '../../inference/audit/likelihood.ts'
import { seededRandom } from '../../inference/audit/random.ts'
import { judgeReceipt } from '../../inference/audit/single-receipt.ts'
import { SAMPLINGS } from './answers.ts'
import type { Measured } from './measure.ts'
import type { Receipt } from './plays.ts'
import {
  type ByPrompt,
  batchMargins,
  byPrompt,
  type PlayedProvider,
  playProvider,
  type Verdict,
} from './providers.ts'
import {
  areaOfCounts,
  areaUnderCurve,
  bootstrap,
  type Estimate,
  quantile,
  type RocPoint,
  rocCurve,
  tokensToPower,
} from './statistics.ts'

const FALSE_ALARMS = [1e-3, 1e-6] as const
const STRICTEST = 1e-6
/** At which Token-DiFR (arXiv 2511.20621) tells its AUC of quantisations. */
const BATCH_TOKENS = 300
const SHARES = [0.5, 0.25, 0.1, 0.05] as const
const POWER = 0.95
/** Quantiles of scores that are told. */
const SHOWN = [0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const

export interface JudgeOptions {
  prompts: number
  /** Providers played for a power; their bootstrap takes a tenth of it in each of `rounds` rounds. */
  providers: number
  rounds: number
  /** Audited tokens at which a provider that was not found is let go. */
  maxTokens: number
  /** Of which the power is told. */
  powerTokens: number
}

/** What scores look like. */
export interface Scores {
  receipts: number
  tokens: number
  /** Tokens by how they fared: won, lost by margin (MARGIN_EDGES), filtered, absent. */
  categories: number[]
  lostShare: number
  meanMargin: number
  meanLogProb: number
  /** Of receipts' mean margins, at SHOWN. */
  receiptMargins: number[]
  /** Of receipts' evidence (ln likelihood ratio against honest), at SHOWN. */
  receiptEvidence: number[]
}

/** How well one cheat is found. */
export interface CheatRow {
  id: string
  title: string
  cheating: Scores
  /** The same prompts, honest. */
  honest: Scores
  /** Of single tokens by margin, of receipts by mean margin, of receipts by evidence. */
  tokenAuc: Estimate
  marginAuc: Estimate
  receiptAuc: Estimate
  /** Of the mean margins of `BATCH_TOKENS` pooled tokens. */
  batchAuc: Estimate
  roc: RocPoint[]
  /** Share of receipts with more evidence against them than all but 1 % of the honest ones. */
  atOnePercent: number
  /** Share of receipts that contradict themselves: stop, prompt or text. */
  contradicted: number
  /** Share of receipts found alone, by the bound of `judgeReceipt`, at each of FALSE_ALARMS. */
  single: Estimate[]
  /** Found by SequentialTest, at each of FALSE_ALARMS: tokens for POWER, and the power after `powerTokens`. */
  pooled: { falseAlarm: number; tokens: Estimate; power: Estimate; median: number }[]
  /** Tokens that a test of fixed size would need, by `tokensToPower` of margins. */
  fixed: { falseAlarm: number; tokens: number }[]
  /** `pooled` at STRICTEST where only a share of tasks is cheated at. */
  shares: { share: number; tokens: number; median: number }[]
  /** `pooled` at STRICTEST among tasks of one kind. */
  slices: { label: string; receipts: number; tokens: number; median: number }[]
}

/** How honest receipts fare. */
export interface HonestRow {
  id: string
  title: string
  scores: Scores
  contradicted: number
  /** Receipts with a p-value below 1e-3, and the bound of their rate with confidence 95 %. */
  below: number
  belowBound: number
  leastPValue: number
  /** Providers played, of which so many were found cheating, at false alarm 1e-3. */
  providers: number
  found: number
  tokensEach: number
  /** The most evidence against any of them, as a share of what a verdict needs, both in logarithms. */
  mostEvidence: number
}

export interface Judged {
  calibration: Pick<Calibration, 'prompts' | 'receipts' | 'tokens' | 'upper' | 'correlations'>
  honest: HonestRow[]
  cheats: CheatRow[]
  /** Audit time as measured, beside nothing else: ms a thousand tokens. */
  auditMsPerThousandTokens: number
}

export function judge(
  measured: Measured,
  options: JudgeOptions,
  onProgress: (what: string, done: number, total: number) => void,
): Judged {
  const calibration = calibrate(measured.measurement)
  const judging = new Judging(calibration, options)
  const usual = { condition: { id: 'usual', title: 'four sequences in a batch' }, receipts: measured.honest }
  const total = measured.cheats.length + measured.conditions.length + 1
  let done = 0
  const step = <T>(what: string, made: T): T => {
    onProgress(what, ++done, total)
    return made
  }
  const honest = [usual, ...measured.conditions].map(({ condition, receipts }) =>
    step(`judging ${condition.id}`, judging.honest(condition, receipts)),
  )
  const cheats = measured.cheats.map(({ cheat, receipts }) =>
    step(`judging ${cheat.id}`, judging.cheat(cheat, measured.honest, receipts)),
  )
  const { prompts, receipts, tokens, upper, correlations } = calibration
  const sum = (of: (receipt: Receipt) => number) =>
    measured.honest.reduce((all, receipt) => all + of(receipt), 0)
  return {
    calibration: { prompts, receipts, tokens, upper, correlations },
    honest,
    cheats,
    auditMsPerThousandTokens:
      (1_000 * sum(({ elapsedMs }) => elapsedMs)) / sum(({ computedTokens }) => computedTokens),
  }
}

type PlayedKind = Pick<PlayedProvider, 'honest' | 'cheating' | 'share' | 'falseAlarm'>

class Judging {
  readonly #calibration: Calibration
  readonly #options: JudgeOptions
  /** The same numbers for every cheat, whatever else is judged. */
  #random = seededRandom(1)

  constructor(calibration: Calibration, options: JudgeOptions) {
    this.#calibration = calibration
    this.#options = options
  }

  honest({ id, title }: { id: string; title: string }, receipts: readonly Receipt[]): HonestRow {
    this.#random = seededRandom(2)
    const { providers, maxTokens } = this.#options
    const pValues = receipts.map(({ assessment }) => judgeReceipt(assessment, this.#calibration).pValue)
    const below = pValues.filter(pValue => pValue <= 1e-3).length
    const groups = this.#groups(receipts)
    const verdicts = this.#played({ honest: groups, cheating: groups, share: 0, falseAlarm: 1e-3 }, providers)
    return {
      ...{ id, title, below },
      scores: this.#scores(receipts),
      contradicted: receipts.filter(isContradicted).length,
      belowBound: proportionUpperBound(below, receipts.length, 0.05),
      leastPValue: Math.min(...pValues),
      providers,
      found: verdicts.filter(({ tokens }) => Number.isFinite(tokens)).length,
      mostEvidence: Math.max(...verdicts.map(({ evidence }) => evidence)),
      tokensEach: maxTokens,
    }
  }

  cheat(
    { id, title }: { id: string; title: string },
    allHonest: readonly Receipt[],
    cheating: readonly Receipt[],
  ): CheatRow {
    this.#random = seededRandom(3)
    const played = new Set(cheating.map(keyOf))
    const honest = allHonest.filter(receipt => played.has(keyOf(receipt)))
    const groups = { honest: this.#groups(honest), cheating: this.#groups(cheating) }
    const everyone = this.#groups(allHonest)
    const evidence = (receipts: readonly Receipt[]) => receipts.map(receipt => this.#evidence(receipt))
    const roc = rocCurve(evidence(honest), evidence(cheating))
    return {
      ...{ id, title, roc },
      cheating: this.#scores(cheating),
      honest: this.#scores(honest),
      tokenAuc: this.#auc(groups, places => {
        const counts = (of: ByPrompt) => sumOf(places.flatMap(at => of[at]!.map(categoriesOf)))
        return areaOfCounts(byMargin(counts(groups.honest)), byMargin(counts(groups.cheating)))
      }),
      marginAuc: this.#receiptAuc(groups, ({ assessment }) => assessment.meanMargin),
      receiptAuc: this.#receiptAuc(groups, receipt => this.#evidence(receipt)),
      atOnePercent: roc.findLast(({ falseAlarm }) => falseAlarm <= 0.01)!.power,
      batchAuc: this.#batchAuc(groups),
      contradicted: cheating.filter(isContradicted).length / cheating.length,
      single: FALSE_ALARMS.map(falseAlarm => this.#single(groups.cheating, falseAlarm)),
      pooled: FALSE_ALARMS.map(falseAlarm => this.#pooled({ ...groups, share: 1, falseAlarm })),
      fixed: FALSE_ALARMS.map(falseAlarm => ({
        falseAlarm,
        tokens: tokensToPower(honest.map(marginSum), cheating.map(marginSum), { falseAlarm, power: POWER }),
      })),
      shares: this.#shares(everyone, groups.cheating),
      slices: this.#slices(honest, cheating),
    }
  }

  #shares(honest: ByPrompt, cheating: ByPrompt): CheatRow['shares'] {
    let isHopeless = false
    return SHARES.map(share => {
      // Who is not found cheating at more is not found cheating at less.
      const verdicts = isHopeless ? [] : this.#verdicts({ honest, cheating, share, falseAlarm: STRICTEST })
      isHopeless ||= !Number.isFinite(verdicts[0])
      if (isHopeless) verdicts.push(Number.POSITIVE_INFINITY)
      return { share, tokens: quantile(verdicts, POWER), median: quantile(verdicts, 0.5) }
    })
  }

  #slices(honest: readonly Receipt[], cheating: readonly Receipt[]): CheatRow['slices'] {
    const kinds = [
      ...SAMPLINGS.map(({ label }, sample) => ({
        label,
        is: (receipt: Receipt) => receipt.sample === sample,
      })),
      { label: 'chats', is: ({ prompt }: Receipt) => prompt % 2 === 0 },
      { label: 'completions', is: ({ prompt }: Receipt) => prompt % 2 === 1 },
    ]
    return kinds.flatMap(({ label, is }) => {
      const receipts = cheating.filter(is)
      if (receipts.length === 0) return []
      const verdicts = this.#verdicts({
        honest: this.#groups(honest.filter(is)),
        cheating: this.#groups(receipts),
        share: 1,
        falseAlarm: STRICTEST,
      })
      return {
        label,
        receipts: receipts.length,
        tokens: quantile(verdicts, POWER),
        median: quantile(verdicts, 0.5),
      }
    })
  }

  /** ln of how much likelier a receipt is from some cheat of the family than from an honest provider. */
  #evidence({ assessment }: Receipt): number {
    if (isContradicted({ assessment })) return Number.POSITIVE_INFINITY
    const ratios = receiptLogRatios(assessment, this.#calibration)
    return logSumExp(ratios) - Math.log(ratios.length)
  }

  #scores(receipts: readonly Receipt[]): Scores {
    const tokens = receipts.reduce((all, { assessment }) => all + assessment.tokens, 0)
    const mean = (of: (receipt: Receipt) => number) =>
      receipts.reduce((all, receipt) => all + of(receipt) * receipt.assessment.tokens, 0) / tokens
    const shown = (of: (receipt: Receipt) => number) => {
      const sorted = receipts.map(of).sort((a, b) => a - b)
      return SHOWN.map(share => quantile(sorted, share))
    }
    return {
      receipts: receipts.length,
      tokens,
      categories: sumOf(receipts.map(categoriesOf)),
      lostShare: mean(({ assessment }) => 1 - assessment.matchRate),
      meanMargin: mean(({ assessment }) => assessment.meanMargin),
      meanLogProb: mean(({ assessment }) => assessment.meanLogProb),
      receiptMargins: shown(({ assessment }) => assessment.meanMargin),
      receiptEvidence: shown(receipt => this.#evidence(receipt)),
    }
  }

  #receiptAuc(
    groups: { honest: ByPrompt; cheating: ByPrompt },
    scoreOf: (receipt: Receipt) => number,
  ): Estimate {
    const scores = (of: ByPrompt) => of.map(receipts => receipts.map(scoreOf))
    const [honest, cheating] = [scores(groups.honest), scores(groups.cheating)]
    return this.#auc(groups, places =>
      areaUnderCurve(
        places.flatMap(at => honest[at]!),
        places.flatMap(at => cheating[at]!),
      ),
    )
  }

  #batchAuc({ honest, cheating }: { honest: ByPrompt; cheating: ByPrompt }): Estimate {
    const places = placesOf(cheating)
    // Of its own, so that other numbers stay what they are.
    const random = seededRandom(4)
    const measure = (sample: readonly number[]) => {
      const draw = { prompts: sample.map(at => places[at]!), tokens: BATCH_TOKENS, batches: 500 }
      return areaUnderCurve(batchMargins(honest, draw, random), batchMargins(cheating, draw, random))
    }
    return bootstrap(places.length, measure, { rounds: 2 * this.#options.rounds, random })
  }

  #auc(groups: { cheating: ByPrompt }, measure: (places: readonly number[]) => number): Estimate {
    return this.#bootstrap(groups.cheating, measure, 4 * this.#options.rounds)
  }

  #single(cheating: ByPrompt, falseAlarm: number): Estimate {
    const found = cheating.map(
      receipts =>
        receipts.filter(
          ({ assessment }) =>
            judgeReceipt(assessment, this.#calibration, { falseAlarm, audits: 1 }).isInexplicable,
        ).length,
    )
    const share = (places: readonly number[]) =>
      places.reduce((all, at) => all + found[at]!, 0) /
      places.reduce((all, at) => all + cheating[at]!.length, 0)
    return this.#bootstrap(cheating, share, 4 * this.#options.rounds)
  }

  #pooled(provider: PlayedKind): CheatRow['pooled'][number] {
    const { providers, rounds, powerTokens } = this.#options
    const few = Math.max(20, Math.round(providers / 10))
    const places = placesOf(provider.cheating)
    const all = this.#verdicts(provider)
    const tokens: number[] = []
    const powers: number[] = []
    // Where nobody was found, as good as nobody is in any round.
    const isHopeless = !Number.isFinite(all[0])
    for (let round = 0; round < (isHopeless ? 1 : rounds); round++) {
      const drawn = places.map(() => places[Math.floor(this.#random() * places.length)]!)
      const verdicts = this.#verdicts(provider, few, drawn)
      tokens.push(quantile(verdicts, POWER))
      powers.push(powerOf(verdicts, powerTokens))
    }
    const interval = (value: number, of: number[]): Estimate => {
      of.sort((a, b) => a - b)
      return { value, low: quantile(of, 0.025), high: quantile(of, 0.975) }
    }
    return {
      falseAlarm: provider.falseAlarm,
      tokens: interval(quantile(all, POWER), tokens),
      power: interval(powerOf(all, powerTokens), powers),
      median: quantile(all, 0.5),
    }
  }

  #played(
    provider: PlayedKind,
    providers = this.#options.providers,
    places = placesOf(provider.cheating),
  ): Verdict[] {
    const { maxTokens } = this.#options
    const played = { ...provider, calibration: this.#calibration, maxTokens }
    return Array.from({ length: providers }, () => playProvider(played, places, this.#random))
  }

  /** Tokens to the verdict of played providers, rising. */
  #verdicts(provider: PlayedKind, providers?: number, places?: number[]): number[] {
    return this.#played(provider, providers, places)
      .map(({ tokens }) => tokens)
      .sort((a, b) => a - b)
  }

  #bootstrap(groups: ByPrompt, measure: (places: readonly number[]) => number, rounds: number): Estimate {
    const places = placesOf(groups)
    return bootstrap(places.length, sample => measure(sample.map(at => places[at]!)), {
      rounds,
      random: this.#random,
    })
  }

  #groups(receipts: readonly Receipt[]): Receipt[][] {
    return byPrompt(receipts, this.#options.prompts)
  }
}

/** Places of the prompts that have receipts. */
function placesOf(groups: ByPrompt): number[] {
  return groups.flatMap((receipts, at) => (receipts.length > 0 ? [at] : []))
}

function powerOf(verdicts: readonly number[], tokens: number): number {
  return verdicts.filter(at => at <= tokens).length / verdicts.length
}

function keyOf({ prompt, sample }: Receipt): string {
  return `${prompt}/${sample}`
}

function isContradicted({ assessment }: Pick<Receipt, 'assessment'>): boolean {
  return [assessment.stop, assessment.prompt, assessment.text].includes('wrong')
}

function categoriesOf({ assessment }: Receipt): number[] {
  const counts = new Array<number>(CATEGORIES).fill(0)
  assessment.cells.forEach((tokens, cell) => {
    counts[cell % CATEGORIES]! += tokens
  })
  return counts
}

/** What was filtered or absent has the same margin, the cap. */
function byMargin(categories: readonly number[]): number[] {
  return [...categories.slice(0, ABSENT - 1), categories[ABSENT - 1]! + categories[ABSENT]!]
}

function sumOf(counts: readonly (readonly number[])[]): number[] {
  const sums = new Array<number>(CATEGORIES).fill(0)
  for (const of of counts)
    of.forEach((count, at) => {
      sums[at]! += count
    })
  return sums
}

function marginSum({ assessment }: Receipt): { tokens: number; score: number } {
  return { tokens: assessment.tokens, score: assessment.meanMargin * assessment.tokens }
}
