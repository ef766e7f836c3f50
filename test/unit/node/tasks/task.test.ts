import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { DivergenceVerdict } from '../../../../inference/audit/divergence.ts'
import { DEFAULT_PREFERENCES, type Preferences } from '../../../../node/market/preferences.ts'
import { type Candidate, type Ranking, UNFIT } from '../../../../node/market/routing/candidate.ts'
import type { AskOptions, TaskEvent, TaskResult } from '../../../../node/tasks/ask.ts'
import type { ComparedEvent } from '../../../../node/tasks/attempt-runner.ts'
import { CircuitBreaker } from '../../../../node/tasks/circuit-breaker.ts'
import { HedgeBudget } from '../../../../node/tasks/hedge.ts'
import { Task } from '../../../../node/tasks/task.ts'
import type { Transcript } from '../../../../node/tasks/transcript-judge.ts'
import type { AttemptOrder, AttemptReport, Venue } from '../../../../node/tasks/venue.ts'
import { ShoalError } from '../../../../protocol/errors.ts'
import { costRoundedUp, minAmount } from '../../../../protocol/money.ts'
import { sealedWindowEnd } from '../../../../protocol/replica-commitment.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { GREEDY } from '../../../helpers/samples.ts'
import { knownOffer } from '../market/samples.ts'

const MODEL = `nano@sha256:${'ab'.repeat(32)}`
const PROMPT_TOKENS = 7
const ANSWER_TOKENS = 24
/** What an honest provider makes of the task: token n has this text. */
const textOf = (token: number) => `${token} `

/** How a simulated provider behaves. */
interface Behaviour {
  price: bigint
  hasSpot: boolean
  /** Until it accepts, and until each pair of tokens, ms. */
  acceptMs: number
  stepMs: number
  /** After so many tokens of its own it fails in this way; null when it does not. */
  fails: { after: number; why: 'disconnected' | 'stalled' | 'dishonest' | 'preempted' } | null
  refuses: boolean
  /** From this token on it answers something else; null when it does not. */
  liesFrom: number | null
  /** As a replica: is bound to a window and shows it; never is; waits until others have shown theirs; shows what it was not bound to. */
  seals?: 'honestly' | 'never' | 'late' | 'falsely'
}

/** Providers that behave as told, on a clock that is told to go on; money is counted to the last unit. */
class SimulatedPeers implements Venue {
  readonly orders: AttemptOrder[] = []
  readonly paidByAttempt: bigint[] = []
  readonly #clock: ManualClock
  readonly #behaviours: ReadonlyMap<string, Behaviour>

  readonly #stallMs: number

  constructor(clock: ManualClock, behaviours: ReadonlyMap<string, Behaviour>, stallMs: number) {
    this.#clock = clock
    this.#stallMs = stallMs
    this.#behaviours = behaviours
  }

  #shownTo = 0
  #waiting: { end: number; then: () => void }[] = []

  /** Some replica has shown its output up to here. */
  shown(position: number): void {
    this.#shownTo = Math.max(this.#shownTo, position)
    const due = this.#waiting.filter(({ end }) => end <= this.#shownTo)
    this.#waiting = this.#waiting.filter(({ end }) => end > this.#shownTo)
    for (const { then } of due) then()
  }

  /** Once another has shown its output up to `end`. */
  onShown(end: number, then: () => void): void {
    this.#waiting.push({ end, then })
    this.shown(this.#shownTo)
  }

  isReady(): boolean {
    return false
  }

  async prepare(): Promise<boolean> {
    return true
  }

  async run(order: AttemptOrder, signal: AbortSignal): Promise<AttemptReport> {
    this.orders.push(order)
    const { choice, progress, maxTokens, maxAmount, onEvent } = order
    const behaviour = this.#behaviours.get(choice.candidate.provider)!
    let paid = 0n
    const report = (outcome: AttemptReport['outcome']): AttemptReport => {
      this.paidByAttempt[order.attempt] = paid
      return { outcome, paid }
    }
    onEvent({ type: 'channel', channelId: '0x' })
    await this.#pause(behaviour.acceptMs, signal)
    if (signal.aborted) return report({ kind: 'cancelled' })
    if (behaviour.refuses) return report({ kind: 'refused', code: 'overloaded', message: '' })
    const promptTokens = PROMPT_TOKENS + progress.outputTokens
    const pay = (outputTokens: number) => {
      const owed = costRoundedUp(choice.price, { inputTokens: promptTokens, outputTokens })
      paid = minAmount(owed, maxAmount)
      return owed <= maxAmount
    }
    onEvent({ type: 'accepted', promptTokens })
    if (!pay(0)) return report({ kind: 'failed', why: 'too_expensive' })
    const sealed = order.ask.preferences.slaClass === 'B' ? null : new Sealed(order, behaviour, this)
    const total = Math.min(maxTokens, ANSWER_TOKENS - progress.outputTokens)
    for (let made = 0; made < total; ) {
      await this.#pause(behaviour.stepMs, signal)
      // What was on its way when it was told to stop still comes.
      const isLast = signal.aborted
      if (behaviour.fails !== null && made >= behaviour.fails.after)
        return report({ kind: 'failed', why: behaviour.fails.why })
      const token = progress.outputTokens + made
      made++
      const isLie = behaviour.liesFrom !== null && token >= behaviour.liesFrom
      const output = { tokens: [isLie ? token + 1_000 : token], text: textOf(isLie ? -token : token) }
      if (sealed === null) {
        if (!pay(made)) return report({ kind: 'failed', why: 'too_expensive' })
        onEvent({ type: 'output', ...output })
      } else sealed.add(output, made === total)
      if (isLast) break
    }
    if (sealed === null)
      return report(
        signal.aborted
          ? { kind: 'cancelled' }
          : { kind: 'finished', reason: maxTokens < ANSWER_TOKENS ? 'length' : 'stop' },
      )
    for (;;) {
      const hasSealed = sealed.asks > 0 || sealed.bound > 0
      const waited = new AbortController()
      const isOver = AbortSignal.any([signal, waited.signal])
      if (!signal.aborted)
        await Promise.race([sealed.asked(), this.#pause(hasSealed ? 10 ** 6 : this.#stallMs, isOver)])
      waited.abort()
      if (signal.aborted) return report({ kind: 'cancelled' })
      if (sealed.asks === 0 && sealed.bound === 0) return report({ kind: 'failed', why: 'stalled' })
      if (sealed.asks === 0) continue
      const output = sealed.open()
      if (output === null) return report({ kind: 'failed', why: 'dishonest' })
      if (!pay(sealed.shown)) return report({ kind: 'failed', why: 'too_expensive' })
      onEvent({ type: 'output', ...output })
      if (sealed.isDone)
        return report({ kind: 'finished', reason: maxTokens < ANSWER_TOKENS ? 'length' : 'stop' })
    }
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#clock.setTimer(resolve, ms)
      signal.addEventListener('abort', () => {
        timer.cancel()
        resolve()
      })
    })
  }
}

/** What a simulated replica has sealed. Opening costs it no time. */
class Sealed {
  readonly #order: AttemptOrder
  readonly #how: NonNullable<Behaviour['seals']>
  readonly #peers: SimulatedPeers
  readonly #windows: { tokens: number[]; text: string; isLast: boolean }[] = []
  #current = { tokens: [] as number[], text: '' }
  #position: number
  #wake = () => {}
  /** Windows asked for and not yet opened. */
  asks = 0
  /** Windows that wait to be asked for. */
  bound = 0
  shown = 0
  isDone = false

  constructor(order: AttemptOrder, { seals = 'honestly' }: Behaviour, peers: SimulatedPeers) {
    this.#order = order
    this.#how = seals
    this.#peers = peers
    this.#position = order.progress.outputTokens
  }

  add({ tokens, text }: { tokens: number[]; text: string }, isLast: boolean): void {
    this.#current.tokens.push(...tokens)
    this.#current.text += text
    const end = sealedWindowEnd(this.#position)
    if (!isLast && this.#position + this.#current.tokens.length < end) return
    this.#windows.push({ ...this.#current, isLast })
    this.#current = { tokens: [], text: '' }
    this.#position = end
    if (this.#how === 'never') return
    const seal = () => {
      this.bound++
      this.#order.onEvent({
        ...{ type: 'sealed', end, isLast },
        open: () => {
          this.bound--
          this.asks++
          this.#wake()
        },
      })
    }
    if (this.#how === 'late') this.#peers.onShown(end, seal)
    else seal()
  }

  /** Resolves when a window is asked for. */
  async asked(): Promise<void> {
    if (this.asks === 0)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
  }

  /** @returns null where it is not what it was bound to */
  open(): { tokens: number[]; text: string } | null {
    this.asks--
    const { isLast, ...output } = this.#windows.shift()!
    if (this.#how === 'falsely') return null
    this.isDone = isLast
    this.shown += output.tokens.length
    this.#peers.shown(this.#order.progress.outputTokens + this.shown)
    return output
  }
}

/** Runs one task among simulated providers to its end. */
async function run(
  behaviours: readonly Behaviour[],
  options: {
    ask?: Partial<AskOptions>
    preferences?: Partial<Preferences>
    cancelAtMs?: number
    /** Places of those that are proven. */
    proven?: readonly number[]
    /** When an attempt is found to stand still that has sealed nothing. */
    stallMs?: number
    /** What this node's own model says of answers that differ. */
    judge?: (transcript: Transcript) => DivergenceVerdict | null
  } = {},
) {
  const clock = new ManualClock()
  const peers = new Map(behaviours.map((behaviour, i) => [String(i).padStart(64, '0'), behaviour]))
  const venue = new SimulatedPeers(clock, peers, options.stallMs ?? 12_000)
  const candidates = [...peers].map(([provider, { price, hasSpot }], i): Candidate => {
    const offer = {
      ...knownOffer(provider, { model: MODEL, inputPerMillion: price, outputPerMillion: price }),
    }
    const spot = { inputPerMillion: price / 2n, outputPerMillion: price / 2n, noticeMs: 0 }
    return {
      ...{
        provider,
        venue: 'peer',
        offer,
        model: { ...offer.offer.models[0]!, spot: hasSpot ? spot : null },
      },
      ...{ score: 1 / (i + 1), features: [], probability: 1 },
      prediction: {
        ...{ expectedCost: 0n, worstCost: 0n, ttftMs: 100, totalMs: 500, ttftP95Ms: 300, waitMs: 0 },
        ...{ tokensPerSecond: 50, reliability: 0.5, quality: 0.5, warmShare: 0 },
      },
    }
  })
  for (const { offer } of candidates) offer!.offer.expiresAtMs = clock.nowMs() + 10 ** 9
  const unfit = Object.fromEntries(UNFIT.map(name => [name, 0])) as Ranking['unfit']
  const [events, evidence, outcomes] = [[] as TaskEvent[], [] as [string, string][], [] as string[]]
  const [compared, records] = [[] as [number, boolean][], [] as ComparedEvent[]]
  const cancel = new AbortController()
  const task = new Task(
    {
      ...{ taskId: '00'.repeat(16), maxAttempts: 4, replicas: 3, attestedStake: 1n, signal: cancel.signal },
      ask: {
        ...{ input: { kind: 'completion', prompt: 'fish' }, model: null, maxTokens: 64, maxPrice: null },
        ...{ sampling: GREEDY, stop: [], jsonSchema: null },
        preferences: { ...DEFAULT_PREFERENCES, ...options.preferences },
        ...options.ask,
      },
      onEvent: event => events.push(event),
    },
    {
      clock,
      venues: { peer: venue },
      router: {
        rank: ({ excluded }) => ({
          ...{
            decisionId: 'd',
            decidedBy: null,
            policyVersion: null,
            trialShare: 0,
            explored: false,
            eligible: [],
            unfit,
            scale: {} as Ranking['scale'],
          },
          candidates: candidates.filter(({ provider }) => !excluded.has(provider)),
        }),
        preview: () => assert.fail('nothing is only looked at'),
        observe: ({ status }) => void outcomes.push(status),
      },
      breaker: new CircuitBreaker({}, { clock, random: () => 0 }),
      hedging: new HedgeBudget({ share: 1 }),
      auctioneer: { sell: async () => [] },
      book: { list: () => [] } as never,
      areDistinct: (a, b) => a !== b,
      transcripts: { judge: async transcript => options.judge?.(transcript) ?? null },
      reputation: {
        observe: async (peer, piece) => {
          if (piece.kind === 'task') evidence.push([peer, piece.result])
          else {
            assert.ok(records.length > 0, 'it is on record first')
            compared.push([Number(peer), piece.agreed])
          }
        },
        isProven: peer => (options.proven ?? []).includes(Number(peer)),
      },
      record: async event => void records.push(event),
    },
  )
  let ended: TaskResult | Error | null = null
  task.run().then(
    result => {
      ended = result
    },
    error => {
      ended = error as Error
    },
  )
  for (let passedMs = 0; ended === null && passedMs < 60_000; passedMs += 50) {
    if (options.cancelAtMs !== undefined && passedMs >= options.cancelAtMs) cancel.abort()
    await clock.advance(50)
  }
  assert.ok(ended !== null, 'it ends')
  const shown = events.flatMap(event => (event.type === 'output' ? [event.text] : [])).join('')
  return {
    ended: ended as TaskResult | Error,
    events,
    shown,
    venue,
    evidence,
    outcomes,
    compared,
    records,
    clock,
  }
}

const honest: Behaviour = {
  ...{
    price: 10n ** 12n,
    hasSpot: true,
    acceptMs: 20,
    stepMs: 10,
    fails: null,
    refuses: false,
    liesFrom: null,
  },
}
const WHOLE = Array.from({ length: ANSWER_TOKENS }, (_, token) => textOf(token)).join('')

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  price: fc.bigInt(0n, 10n ** 12n),
  hasSpot: fc.boolean(),
  acceptMs: fc.integer({ min: 0, max: 600 }),
  stepMs: fc.integer({ min: 1, max: 60 }),
  fails: fc.option(
    fc.record({
      after: fc.nat(ANSWER_TOKENS),
      why: fc.constantFrom('disconnected', 'stalled', 'dishonest', 'preempted'),
    }),
  ),
  refuses: fc.boolean(),
  liesFrom: fc.constant(null),
})
const seals = fc.constantFrom('honestly' as const, 'never' as const, 'late' as const, 'falsely' as const)
const behaviours = fc.array(behaviour, { minLength: 1, maxLength: 5 })

/** Of every attempt: what others may have cost when it began, and what it was given, stay within the cap. */
function checkMoney({ ended, venue }: Awaited<ReturnType<typeof run>>, maxPrice: bigint | null): void {
  const paid = venue.paidByAttempt.reduce((sum, amount) => sum + (amount ?? 0n), 0n)
  if (!(ended instanceof Error)) assert.equal(ended.paid, paid)
  if (maxPrice !== null) assert.ok(paid <= maxPrice, `${paid} of ${maxPrice}`)
  for (const { attempt, maxAmount } of venue.orders)
    assert.ok((venue.paidByAttempt[attempt] ?? 0n) <= maxAmount)
}

describe('Task', () => {
  it('shows the answer once, and pays what was done and never more than its cap, whatever providers do', async () => {
    const caps = fc.option(fc.bigInt(0n, 10n ** 9n))
    const modes = fc.constantFrom('on-demand' as const, 'spot' as const)
    const cancels = fc.option(fc.nat(1_500), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(behaviours, caps, modes, cancels, async (all, maxPrice, mode, cancelAtMs) => {
        const ran = await run(all, {
          ask: { maxPrice },
          preferences: { mode },
          ...(cancelAtMs === undefined ? {} : { cancelAtMs }),
        })
        checkMoney(ran, maxPrice)
        const { ended, shown, venue } = ran
        assert.ok(WHOLE.startsWith(shown))
        if (ended instanceof Error) assert.ok(ended instanceof ShoalError, String(ended))
        else {
          assert.equal(ended.text, shown)
          if (ended.status === 'completed') assert.equal(shown, WHOLE)
        }
        for (const { progress, maxTokens } of venue.orders) {
          assert.ok(shown.startsWith(progress.text))
          assert.equal(maxTokens, 64 - progress.outputTokens)
        }
        const asked = venue.orders.map(({ choice }) => choice.candidate.provider)
        assert.equal(new Set(asked).size, asked.length, 'nobody twice')
      }),
      { numRuns: 150 },
    )
  })

  it('keeps to its cap over replicas, and shows only what a majority has made', async () => {
    const liars = behaviour.chain(one =>
      fc.record({ liesFrom: fc.option(fc.nat(ANSWER_TOKENS)), seals }).map(more => ({ ...one, ...more })),
    )
    const caps = fc.option(fc.bigInt(0n, 10n ** 9n))
    await fc.assert(
      fc.asyncProperty(fc.array(liars, { minLength: 2, maxLength: 6 }), caps, async (all, maxPrice) => {
        const ran = await run(all, { ask: { maxPrice }, preferences: { slaClass: 'A' } })
        checkMoney(ran, maxPrice)
        const { ended, shown } = ran
        if (ended instanceof Error) assert.ok(ended instanceof ShoalError, String(ended))
        else {
          assert.equal(ended.text, shown)
          assert.equal(ended.agreed.length >= 2, ended.status === 'completed')
        }
      }),
      {
        numRuns: 150,
        examples: [
          [
            [
              { ...honest, seals: 'honestly' },
              { ...honest, seals: 'honestly', liesFrom: 0 },
              { ...honest, seals: 'late' },
            ],
            null,
          ],
        ],
      },
    )
  })

  it('shows the answer of honest replicas, whatever a minority does, and pays nothing for what was not shown', async () => {
    const dishonest = fc
      .record({ one: behaviour, liesFrom: fc.option(fc.nat(ANSWER_TOKENS)), seals })
      .map(({ one, liesFrom, seals }) => ({ ...one, fails: null, refuses: false, liesFrom, seals }))
    // One of three operators is anything; it may be asked first, last or not at all.
    await fc.assert(
      fc.asyncProperty(dishonest, fc.nat(2), fc.integer({ min: 1, max: 60 }), async (odd, place, stepMs) => {
        const all: Behaviour[] = [0, 1, 2].map(i => (i === place ? odd : { ...honest, stepMs }))
        const { ended, shown, venue } = await run(all, { preferences: { slaClass: 'A' } })
        assert.ok(!(ended instanceof Error), String(ended))
        assert.deepEqual([ended.text, shown], [WHOLE, WHOLE])
        for (const { attempt, choice, progress } of venue.orders) {
          if (Number(choice.candidate.provider) !== place || odd.seals === 'honestly') continue
          const promptTokens = PROMPT_TOKENS + progress.outputTokens
          const prompt = costRoundedUp(choice.price, { inputTokens: promptTokens, outputTokens: 0 })
          assert.ok((venue.paidByAttempt[attempt] ?? 0n) <= prompt, 'it has shown nothing')
          assert.ok(!ended.agreed.includes(choice.candidate.provider))
        }
      }),
      { numRuns: 150 },
    )
  })

  it('waits for a replica that seals nothing only so long, and knows it for that', async () => {
    for (const seals of ['never', 'late', 'falsely'] as const) {
      const { ended, evidence, clock } = await run([{ ...honest, seals }, honest, honest], {
        preferences: { slaClass: 'A' },
      })
      assert.ok(!(ended instanceof Error))
      assert.equal(ended.text, WHOLE)
      assert.ok(seals === 'falsely' || clock.nowMs() < 8_000 + new ManualClock().nowMs())
      assert.deepEqual(
        evidence.find(([peer]) => Number(peer) === 0)?.[1],
        seals === 'falsely' ? 'dishonest' : 'stalled',
      )
    }
  })

  it('ends before those lose patience who have sealed theirs, where nobody else can be asked', async () => {
    const late: Behaviour = { ...honest, seals: 'late' }
    const { ended, clock } = await run([late, honest], {
      ...{ preferences: { slaClass: 'A' }, stallMs: 10 ** 6 },
    })
    assert.ok(ended instanceof ShoalError && ended.code === 'ALL_PROVIDERS_FAILED', String(ended))
    assert.ok(clock.nowMs() - new ManualClock().nowMs() < 30_000)
  })

  it('blames nobody for what honest nodes may choose, and is settled by its own model where nobody else is left', async () => {
    const other: Behaviour = { ...honest, liesFrom: 4 }
    const verdict = { divergence: 'honest', isExplicable: true, meanMargin: 0 } as const
    const tie = await run([other, honest, honest], {
      ...{ preferences: { slaClass: 'A' }, proven: [1] },
      judge: ({ divergedAt }) => {
        assert.equal(divergedAt, 4)
        return verdict
      },
    })
    assert.ok(!(tie.ended instanceof Error))
    assert.equal(tie.ended.text, WHOLE)
    assert.ok(tie.evidence.every(([, result]) => result === 'completed'))
    assert.deepEqual(tie.compared, [[2, true]])
    // What the model cannot have said counts, though nobody else is proven.
    const beyond = await run([other, honest, honest], {
      preferences: { slaClass: 'A' },
      judge: () => ({ divergence: 'beyond', isExplicable: false, meanMargin: 5 }),
    })
    assert.deepEqual(beyond.compared, [[0, false]])
    const settledBy = async (margins: [number, number], isExplicable = true) => {
      const { ended, shown, evidence } = await run([other, honest], {
        preferences: { slaClass: 'A' },
        judge: ({ choice }) => ({
          ...verdict,
          isExplicable,
          meanMargin: margins[Number(choice.candidate.provider)]!,
        }),
      })
      if (ended instanceof Error) return ended
      assert.equal(ended.text, shown)
      assert.deepEqual(evidence.map(([, result]) => result).sort(), ['completed', 'completed'])
      return ended.agreed.map(Number)
    }
    assert.deepEqual([await settledBy([0.1, 0]), await settledBy([0, 0.1])], [[1], [0]])
    assert.ok((await settledBy([0, 0.1], false)) instanceof Error)
  })

  it('goes on where another has failed, from what has come', async () => {
    const failing: Behaviour = { ...honest, fails: { after: 10, why: 'stalled' } }
    const { ended, venue, evidence, events } = await run([failing, honest])
    assert.ok(!(ended instanceof Error))
    assert.deepEqual([ended.text, ended.attempts, ended.reason], [WHOLE, 2, 'stop'])
    assert.equal(venue.orders[1]!.progress.outputTokens, 10)
    assert.deepEqual(
      evidence.map(([, result]) => result),
      ['stalled', 'completed'],
    )
    // Somebody stood by as soon as it ran.
    assert.ok(events.some(({ type }) => type === 'standby'))
  })

  it('asks a second provider once the first token is late, and pays the slower one for what it did', async () => {
    const slow: Behaviour = { ...honest, acceptMs: 330, stepMs: 1_000 }
    const { ended, events, venue } = await run([slow, honest])
    assert.ok(!(ended instanceof Error))
    assert.equal(ended.text, WHOLE)
    const hedged = events.find(event => event.type === 'hedged')
    assert.equal(hedged?.afterMs, 300)
    assert.equal(ended.provider, hedged.provider)
    const begun = costRoundedUp(
      { inputPerMillion: slow.price, outputPerMillion: slow.price },
      { inputTokens: PROMPT_TOKENS, outputTokens: 1 },
    )
    assert.ok(venue.paidByAttempt[0]! <= begun)
    // Who wants it cheap is not hedged.
    const cheap = await run([slow, honest], { preferences: { strategy: 'cost' } })
    assert.ok(!cheap.events.some(({ type }) => type === 'hedged'))
  })

  it('goes on in full where no spot capacity is left for what has begun', async () => {
    const preempted: Behaviour = { ...honest, fails: { after: 5, why: 'preempted' } }
    const { ended, evidence, outcomes, venue } = await run([preempted, { ...honest, hasSpot: false }], {
      preferences: { mode: 'spot' },
    })
    assert.ok(!(ended instanceof Error))
    assert.equal(ended.text, WHOLE)
    assert.deepEqual(outcomes, ['preempted', 'completed'])
    assert.equal(evidence.length, 1, 'being pre-empted is no fault')
    assert.deepEqual(
      venue.orders.map(({ choice }) => [choice.mode, choice.price.outputPerMillion]),
      [
        ['spot', honest.price / 2n],
        ['on-demand', honest.price],
      ],
    )
  })

  it('lets a majority decide, and the odd one out be known for it', async () => {
    const liar: Behaviour = { ...honest, liesFrom: 4 }
    const { ended, evidence, events, shown } = await run([liar, honest, honest], {
      preferences: { slaClass: 'A' },
    })
    assert.ok(!(ended instanceof Error))
    assert.deepEqual([ended.text, shown], [WHOLE, WHOLE])
    assert.equal(ended.agreed.length, 2)
    assert.deepEqual(evidence.map(([, result]) => result).sort(), ['completed', 'completed', 'disagreed'])
    assert.ok(events.some(({ type }) => type === 'disagreement'))
  })

  it('has a comparison count for those who agree with another that is proven, and against who differs', async () => {
    const liar: Behaviour = { ...honest, liesFrom: 4 }
    const told = async (proven: number[], all = [liar, honest, honest]) => {
      const { compared, records } = await run(all, { preferences: { slaClass: 'A' }, proven })
      assert.equal(records.length, compared.length > 0 ? 1 : 0)
      for (const { kind, agreed, differed, tokens } of records) {
        assert.deepEqual([kind, tokens], ['answers.compared', ANSWER_TOKENS])
        assert.equal(agreed.length + differed.length, compared.length)
      }
      return compared.sort()
    }
    assert.deepEqual(await told([]), [], 'strangers that agree prove nothing')
    assert.deepEqual(await told([0]), [], 'who is outvoted by strangers is not')
    assert.deepEqual(await told([1]), [
      [0, false],
      [2, true],
    ])
    assert.deepEqual(await told([0, 1, 2]), [
      [0, false],
      [1, true],
      [2, true],
    ])
    assert.deepEqual(await told([0, 1], [liar, honest]), [], 'nobody has a majority')
  })

  it('says so when nobody is left to decide, or too few are there to begin with', async () => {
    const codeOf = async (all: Behaviour[]) => {
      const { ended } = await run(all, { preferences: { slaClass: 'A' } })
      return ended instanceof ShoalError ? ended.code : null
    }
    assert.equal(await codeOf([{ ...honest, liesFrom: 4 }, honest]), 'NO_AGREEMENT')
    assert.equal(await codeOf([honest]), 'TOO_FEW_OPERATORS')
  })

  it('ends at its deadline with what has come, or says that nothing has', async () => {
    const slow: Behaviour = { ...honest, stepMs: 40 }
    const { ended, shown } = await run([slow], { preferences: { deadlineMs: 300 } })
    assert.ok(!(ended instanceof Error))
    assert.deepEqual([ended.status, ended.reason, ended.text], ['expired', 'deadline', shown])
    assert.ok(shown !== '' && shown !== WHOLE)
    const late = await run([{ ...honest, acceptMs: 5_000 }], { preferences: { deadlineMs: 100 } })
    assert.ok(late.ended instanceof ShoalError && late.ended.code === 'DEADLINE_PASSED')
  })

  it('leaves no timer behind', async () => {
    for (const slaClass of ['B', 'A'] as const) {
      const { clock } = await run([honest, honest, honest], { preferences: { slaClass, deadlineMs: 60_000 } })
      assert.deepEqual(clock.pendingMs(), [])
    }
  })
})
