import { createHash } from 'node:crypto'
import type { LossRow } from '../../../inference/engine.ts'
import { isShoalError, type ShoalError } from '../../../protocol/errors.ts'
import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import type { UpdateScore, UpdateVerdict } from '../../../protocol/messages/learning/update-scores.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { RevealedUpdate, RoundContext, RoundScorer, ValidationText } from '../rounds/seams.ts'
import type { AuthorRatings } from './author-ratings.ts'
import { findCopies } from './copies.ts'
import { microNats } from './gain.ts'
import type { LossMeter, MeasuredModel } from './loss-meter.ts'
import type { BaseModels, RoundBase } from './round-base.ts'
import { MAX_ROW_CHARS_PER_TEXT, MAX_ROWS_PER_TEXT, sampleRows } from './row-sample.ts'
import { sampleTexts, type TextSample } from './text-samples.ts'
import type { Inspection, InspectionJob } from './update-inspection.ts'
import { capAuthorsAlone, type MeasuredVerdict, verdictOf, withoutIdle } from './verdict.ts'

export interface UpdateScorerOptions {
  /** Rows of each text that are measured. */
  maxRowsPerText?: number
  /** Texts that an update is measured on, of its own domain and of others each. */
  maxTextsPerUpdate?: number
  /** How long one update may take. */
  updateTimeoutMs?: number
  /** Share of the time left until the scores are due in which updates are measured. */
  timeShare?: number
}

export interface UpdateScorerModules {
  inspector: { run(job: InspectionJob, signal: AbortSignal): Promise<Inspection> }
  meter: LossMeter
  bases: BaseModels
  /** General text of this node, for every update's random data. */
  generalRows: () => Promise<readonly LossRow[]>
  ratings: AuthorRatings
  clock: Clock
  log: Logger
  /** An update is no adapter for its round, or a text nothing to measure with. */
  onInvalid: (author: NodeKey, code: string) => void
}

const DEFAULTS: Required<UpdateScorerOptions> = {
  maxRowsPerText: MAX_ROWS_PER_TEXT,
  maxTextsPerUpdate: 3,
  updateTimeoutMs: 5 * 60_000,
  timeShare: 0.8,
}

/** One round's work for this scorer. */
interface Session {
  context: RoundContext
  base: RoundBase
  samples: readonly TextSample[]
  /** Losses of the parent, by sample, nats per token. */
  before: ReadonlyMap<TextSample, number>
  self: NodeKey
  signal: AbortSignal
  /** When to have measured the last one. */
  untilMs: number
}

/**
 * Measures what each revealed update does to texts that nobody could see before all had committed, with the node's own
 * engine. See `verdictOf` for what is asked of an update.
 */
export class UpdateScorer implements RoundScorer {
  readonly #options: Required<UpdateScorerOptions>
  readonly #modules: UpdateScorerModules

  constructor(options: UpdateScorerOptions, modules: UpdateScorerModules) {
    this.#options = { ...DEFAULTS, ...options }
    this.#modules = modules
  }

  /**
   * @param work.updates in the order of their commitments: of two that are one, the later is the copy
   * @throws {ModelError} without the base; {EngineError} when the parent cannot be measured; the signal's reason
   */
  async score(
    context: RoundContext,
    work: { updates: readonly RevealedUpdate[]; texts: readonly ValidationText[]; self: NodeKey },
    signal: AbortSignal,
  ): Promise<UpdateScore[]> {
    const session = await this.#open(context, work, signal)
    const { found, sound } = await this.#inspect(work.updates, session)
    const measured: { update: CidString; verdict: MeasuredVerdict }[] = []
    for (const update of this.#inOrder(sound, session)) {
      const verdict = await this.#measure(update, session)
      if (typeof verdict === 'object') measured.push({ update: update.update, verdict })
      else found.set(update.update, entryOf(update.update, ...splitVerdict(verdict)))
    }
    const capped = withoutIdle(capAuthorsAlone(measured.map(({ verdict }) => verdict)))
    for (const [i, { verdict, ownDomain, random }] of capped.entries()) {
      const { update } = measured[i]!
      found.set(update, { ...entryOf(update, verdict), ownDomain, random })
    }
    await this.#modules.ratings.note(
      work.updates
        .filter(({ author }) => author !== work.self)
        .map(({ author, update }) => ({ author, verdict: found.get(update)!.verdict })),
    )
    return work.updates.map(({ update }) => found.get(update)!)
  }

  async #open(
    context: RoundContext,
    { texts, self }: { texts: readonly ValidationText[]; self: NodeKey },
    signal: AbortSignal,
  ): Promise<Session> {
    const { bases, meter, generalRows, clock, onInvalid } = this.#modules
    const { manifest, round } = context
    const base = await bases.find(manifest.base)
    const limits = { maxRows: this.#options.maxRowsPerText, maxChars: MAX_ROW_CHARS_PER_TEXT }
    // Another sample for each scorer, so that together they have seen more.
    const given = await sampleTexts(texts, { seed: `${round}|${self}`, ...limits }, (author, { code }) =>
      onInvalid(author, code),
    )
    const rows = sampleRows(await generalRows(), `${round}|${self}`, limits)
    const general = { authors: new Set<NodeKey>(), domain: null, rows }
    const samples = [...given, general].filter(({ rows }) => rows.length > 0)
    const parent: MeasuredModel = { base, adapterPath: context.parentPath }
    const losses = await meter.measure(
      parent,
      samples.map(({ rows }) => rows),
      signal,
    )
    // Texts that the parent cannot read at all say nothing of updates.
    const usable = samples.filter((_, i) => losses[i]!.tokens > 0 && Number.isFinite(losses[i]!.loss))
    const before = new Map(usable.map(sample => [sample, losses[samples.indexOf(sample)]!.loss]))
    const nowMs = clock.nowMs()
    const untilMs = nowMs + (manifest.deadlines.scoreMs - nowMs) * this.#options.timeShare
    return { context, base, samples: usable, before, self, signal, untilMs }
  }

  /** What can be said without measuring, and the updates that are left. */
  async #inspect(
    updates: readonly RevealedUpdate[],
    { context, base, signal }: Session,
  ): Promise<{ found: Map<CidString, UpdateScore>; sound: RevealedUpdate[] }> {
    const { inspector, bases, onInvalid } = this.#modules
    const found = new Map<CidString, UpdateScore>()
    const here = updates.filter(({ path, update }) => {
      if (path === null) found.set(update, entryOf(update, 'unavailable'))
      return path !== null
    })
    const inspection = await inspector.run(
      {
        parentPath: context.parentPath,
        expected: await bases.expected(base, context.manifest),
        updates: here.map(({ update, path }) => ({ update, path: path! })),
      },
      signal,
    )
    const byUpdate = new Map(here.map(update => [update.update, update]))
    const sound: RevealedUpdate[] = []
    for (const { update, code } of inspection.updates) {
      const revealed = byUpdate.get(update)!
      if (code === null) sound.push(revealed)
      else {
        found.set(update, entryOf(update, 'invalid', code))
        onInvalid(revealed.author, code)
      }
    }
    const copies = findCopies(
      inspection.gram,
      sound.map(({ update }) => update),
    )
    for (const [update, similarTo] of copies) found.set(update, { ...entryOf(update, 'copy'), similarTo })
    return { found, sound: sound.filter(({ update }) => !copies.has(update)) }
  }

  /** The best rated first; among equals each scorer has an order of its own, so that together they come to all. */
  #inOrder(updates: readonly RevealedUpdate[], { context, self }: Session): RevealedUpdate[] {
    const place = (update: RevealedUpdate) => hash(context.round, self, update.update)
    return updates.toSorted(
      (a, b) =>
        this.#modules.ratings.of(b.author) - this.#modules.ratings.of(a.author) ||
        (place(a) < place(b) ? -1 : 1),
    )
  }

  /** @throws {EngineError} of the engine's own; the signal's reason */
  async #measure(
    update: RevealedUpdate,
    session: Session,
  ): Promise<MeasuredVerdict | 'unavailable' | `invalid:${string}`> {
    const { clock, meter, log, onInvalid } = this.#modules
    const { signal, base, before, untilMs } = session
    const texts = this.#textsFor(update, session)
    const timeoutMs = Math.min(this.#options.updateTimeoutMs, untilMs - clock.nowMs())
    if (timeoutMs <= 0 || texts.own.length === 0) return 'unavailable'
    const timeout = new AbortController()
    const timer = clock.setTimer(() => timeout.abort(), timeoutMs)
    try {
      const samples = [...texts.own, ...texts.random]
      const losses = await meter.measure(
        { base, adapterPath: update.path },
        samples.map(({ rows }) => rows),
        AbortSignal.any([signal, timeout.signal]),
      )
      const pairs = samples.map((sample, i) => ({
        before: microNats(before.get(sample)!),
        after: microNats(losses[i]!.loss),
        isAuthors: sample.authors.has(update.author),
      }))
      const verdict = verdictOf({
        own: pairs.slice(0, texts.own.length),
        random: pairs.slice(texts.own.length),
      })
      return verdict ?? 'unavailable'
    } catch (error) {
      signal.throwIfAborted()
      if (timeout.signal.aborted) return 'unavailable'
      if (!isShoalError(error, 'MODEL_INVALID', 'MODEL_TOO_LARGE')) throw error
      log.debug({ err: error, update: update.update }, 'the engine refused an update')
      onInvalid(update.author, (error as ShoalError).code)
      return `invalid:${(error as ShoalError).code}`
    } finally {
      timer.cancel()
    }
  }

  /**
   * Texts of an update's domain by others; where there are none, its author's; where there is nothing of that domain at all,
   * whatever others gave. And texts that are not its own, general data always among them. Which ones is drawn for each
   * update, so that the cost does not grow with the round.
   */
  #textsFor(
    { author, domain, update }: RevealedUpdate,
    { samples, context, self }: Session,
  ): { own: TextSample[]; random: TextSample[] } {
    const { maxTextsPerUpdate } = this.#options
    const place = (sample: TextSample) => hash(context.round, self, update, String(samples.indexOf(sample)))
    const draw = (from: readonly TextSample[]) =>
      from.toSorted((a, b) => (place(a) < place(b) ? -1 : 1)).slice(0, maxTextsPerUpdate)
    const general = samples.filter(sample => sample.domain === null)
    const ofDomain = samples.filter(sample => sample.domain === domain)
    const foreign = samples.filter(
      sample => sample.domain !== null && sample.domain !== domain && !sample.authors.has(author),
    )
    const ofOthers = ofDomain.filter(({ authors }) => !authors.has(author))
    if (ofDomain.length === 0) return { own: draw(foreign), random: general }
    return {
      own: draw(ofOthers.length > 0 ? ofOthers : ofDomain),
      random: [...draw(foreign), ...general],
    }
  }
}

function entryOf(update: CidString, verdict: UpdateVerdict, code: string | null = null): UpdateScore {
  return { update, verdict, code, ownDomain: null, random: null, similarTo: null }
}

function splitVerdict(verdict: 'unavailable' | `invalid:${string}`): [UpdateVerdict, string | null] {
  return verdict === 'unavailable' ? ['unavailable', null] : ['invalid', verdict.slice('invalid:'.length)]
}

function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex')
}
