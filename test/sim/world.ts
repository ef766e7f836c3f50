import type { Attack, AttackPlan } from './attack.ts'
import { EventQueue } from './event-queue.ts'
import {
  type Act,
  type Chooser,
  MAX_OUTPUT_TOKENS,
  type Observation,
  type SimProvider,
  type SimReport,
  type SimRequester,
  type SimSystem,
  type SimTask,
  type Status,
  taskCost,
  View,
} from './market.ts'
import { MEDIAN_TOKENS_PER_SECOND, modelWeights, Population, REGIONS, STAKE_CREDITS } from './population.ts'
import { Random } from './random.ts'
import { Tally } from './tally.ts'

export interface WorldOptions {
  seed: number
  honestProviders: number
  /** Of all providers. */
  attackerShare: number
  requesters: number
  models: number
  /** Tasks of each requester. */
  tasks: number
  /** Tasks each requester has going at once, on average, when nothing fails. */
  inFlight: number
  /** Honest providers that join later, each a twin of one that was there, and when: after so many tasks of each. */
  newcomers: number
  newcomersJoinAt: number
  /**
   * Names for which all attackers together can lock up a stake, as a multiple of the providers they have at once. A stake
   * comes back after weeks: within a run no one is used twice.
   */
  attackerStakes: number
  /** Chance that an answer by a provider that is known well is audited. */
  auditProbability: number
  /** Chance that an audit finds a wrong output, and that it condemns a right one. */
  auditPower: number
  auditFalseAlarm: number
}

/** What a run came to. */
export interface RunResult {
  system: string
  attack: string
  variant: string
  tally: Tally
  /** Audits, of all attempts that were completed; and what they cost, of what was paid. */
  auditShare: number
  auditCost: number
  /** Tasks nobody did in the end, of all. */
  lostShare: number
  /**
   * What newcomers were paid, of what their twins were, by how many tasks of each requester after they joined: all of
   * them, or those with a stake or without.
   */
  newcomerShare(from: number, to: number, staked?: boolean): number
  /** Names the attackers came under, those of them with a stake, and what they were paid for bad work, credits. */
  attackerNames: number
  attackerStakes: number
  attackerGain: number
  /** Tasks a newcomer had done on average, so many tasks of each requester after it joined. */
  newcomerTasks(to: number): number
}

/** Attempts at one task, as many as a node makes. */
const MAX_ATTEMPTS = 4
/** Tasks that may wait for a slot at a provider before it refuses. */
const MAX_QUEUE_PER_SLOT = 1
/** Between something happening and everybody having heard. */
const GOSSIP_DELAY_MS = 2_000
/** One way, within a region and between two. */
const NEAR_MS = 15
const FAR_MS = 70
/** Until a requester gives a silent provider up. */
const STALL_MS = 5_000
const START_MS = 1_700_000_000_000
const MODELS_PER_REQUESTER = 2
const FOUNDERS = 5
/** Share of honest providers an eclipse hides. */
const ECLIPSE_HIDES = 0.8
/** Of tasks nobody audited, that are told to others; every audit is. */
const REPORT_SHARE = 0.25
/** Until a report is bundled, told, and its receipt found paid: what a requester does meanwhile. */
const REPORT_DELAY_TASKS = 20
const MEAN_PROMPT_TOKENS = 600
const MEAN_OUTPUT_TOKENS = 400
/** How much of an output is delivered and paid when an attacker breaks off: what it is ahead is its gain. */
const BROKEN_OFF_SHARE = 0.5

/**
 * A network of thousands of nodes as events in simulated time: who asks whom, what comes back, who is told what.
 * Nothing in it knows good nodes from bad, but for the attackers and the tally.
 */
export class World {
  readonly #options: WorldOptions
  readonly #queue = new EventQueue(START_MS)
  readonly #random: Random
  readonly #population: Population
  readonly #views: View[]
  readonly #honest: SimProvider[]
  /** Those an eclipse hides. */
  readonly #hidden: Set<SimProvider>
  readonly #requesters: SimRequester[] = []
  readonly #choosers: Chooser[]
  readonly #attack: Attack
  readonly #system: SimSystem
  readonly #plan: AttackPlan
  readonly #tally = new Tally()
  readonly #pendingReports: SimReport[] = []
  readonly #taskIntervalMs: number
  readonly #twins: { veteran: SimProvider; newcomer: SimProvider }[] = []
  readonly #twinPay: { atTask: number; paid: number; isNewcomer: boolean; staked: boolean }[] = []
  /** Of both of a pair: which it is, and whether the newcomer has a stake. */
  readonly #pairOf = new Map<SimProvider, { isNewcomer: boolean; staked: boolean }>()
  #attackerNames = 0
  #attackerStakes = 0
  #attackerGain = 0
  readonly #maxAttackerStakes: number
  #networkTasks = 0
  #completed = 0
  #audits = 0
  #auditCost = 0
  #paid = 0
  #lost = 0
  #finished = 0
  #receipts = 0
  #haveNewcomersJoined = false
  #honestWitnesses: Set<string> | undefined

  constructor(options: WorldOptions, modules: { system: SimSystem; plan: AttackPlan }) {
    this.#options = options
    this.#system = modules.system
    this.#plan = modules.plan
    // The population does not depend on who is asked to choose: all systems face the same network.
    this.#random = new Random(options.seed)
    this.#population = new Population(options, { random: this.#random.fork() })
    this.#honest = Array.from({ length: options.honestProviders }, () => this.#population.provider())
    const attackers = Math.round(
      (options.honestProviders * options.attackerShare) / Math.max(1e-9, 1 - options.attackerShare),
    )
    this.#maxAttackerStakes = attackers * options.attackerStakes
    const lets = this.#random.fork()
    const hidden = new Set(this.#honest.filter(() => lets.chance(ECLIPSE_HIDES)))
    this.#hidden = hidden
    this.#views = [
      new View({ name: 'open', models: options.models }, { sees: () => true }),
      new View({ name: 'eclipsed', models: options.models }, { sees: provider => !hidden.has(provider) }),
    ]
    for (const provider of this.#honest) this.#join(provider)
    this.#addRequesters()
    this.#taskIntervalMs = (MEAN_OUTPUT_TOKENS / MEDIAN_TOKENS_PER_SECOND / options.inFlight) * 1_000
    this.#attack = modules.plan.start({
      attackers,
      population: this.#population,
      random: this.#random.fork(),
      nowMs: () => this.#queue.nowMs(),
      honest: this.#honest,
      join: provider => this.#join(provider),
      leave: provider => this.#leave(provider),
      changed: provider => this.#announce(provider),
      gossip: report => this.#gossip({ ...report, atMs: this.#queue.nowMs(), receiptId: this.#receiptId() }),
    })
    const create = this.#system.start({
      clock: this.#queue,
      random: this.#random.fork(),
      views: this.#views,
      auditProbability: options.auditProbability,
      requesters: this.#requesters,
      founders: this.#random
        .fork()
        .sample(this.#requesters, FOUNDERS)
        .map(({ key }) => key),
    })
    this.#choosers = this.#requesters.map(create)
  }

  /** Lets every requester have all its tasks. */
  run(): RunResult {
    const { tasks } = this.#options
    for (const requester of this.#requesters) this.#arrive(requester, 0, this.#random.fork())
    this.#scheduleTick((tasks * this.#taskIntervalMs) / Math.max(1, tasks / 10))
    this.#queue.run(() => this.#finished === this.#requesters.length * tasks)
    const twinsPaid = (from: number, to: number, isNewcomer: boolean, staked?: boolean) => {
      const start = this.#options.newcomersJoinAt
      let sum = 0
      for (const pay of this.#twinPay)
        if (
          pay.isNewcomer === isNewcomer &&
          pay.staked === (staked ?? pay.staked) &&
          pay.atTask >= start + from &&
          pay.atTask < start + to
        )
          sum += pay.paid
      return sum
    }
    return {
      system: this.#system.name,
      attack: this.#plan.name,
      variant: this.#plan.variant,
      tally: this.#tally,
      auditShare: this.#audits / Math.max(1, this.#completed),
      auditCost: this.#auditCost / Math.max(1e-12, this.#paid),
      lostShare: this.#lost / Math.max(1, this.#finished),
      attackerNames: this.#attackerNames,
      attackerStakes: this.#attackerStakes,
      attackerGain: this.#attackerGain,
      newcomerShare: (from, to, staked) =>
        twinsPaid(from, to, true, staked) / Math.max(1e-12, twinsPaid(from, to, false, staked)),
      newcomerTasks: to =>
        this.#twinPay.filter(pay => pay.isNewcomer && pay.atTask < this.#options.newcomersJoinAt + to)
          .length / Math.max(1, this.#twins.length),
    }
  }

  #addRequesters(): void {
    const { requesters, models } = this.#options
    const weights = modelWeights(models)
    const eclipsed = Math.round(requesters * this.#plan.eclipsedShare)
    for (let index = 0; index < requesters; index++) {
      const first = this.#random.weighted(weights)
      const asked = new Set([first])
      while (asked.size < Math.min(models, MODELS_PER_REQUESTER)) asked.add(this.#random.weighted(weights))
      const isEclipsed = index < eclipsed
      this.#requesters.push({
        // Nodes are both: each requester sells, too, under the same key.
        ...{ index, key: this.#honest[index]!.key, region: this.#random.below(REGIONS), models: [...asked] },
        ...{ isEclipsed, view: this.#views[isEclipsed ? 1 : 0]! },
      })
    }
  }

  #join(provider: SimProvider): void {
    if (provider.isAttacker) {
      this.#attackerNames++
      if (this.#attackerStakes < this.#maxAttackerStakes) {
        this.#attackerStakes++
        provider.stake = STAKE_CREDITS
      }
    }
    for (const view of this.#views) view.put(provider)
  }

  #leave(provider: SimProvider): void {
    provider.isAlive = false
    for (const view of this.#views) view.remove(provider)
  }

  /** Says a provider's terms or load anew, when all have heard. */
  #announce(provider: SimProvider): void {
    this.#queue.after(GOSSIP_DELAY_MS, () => {
      if (!provider.isAlive) return
      provider.knownFreeSlots = Math.max(0, provider.slots - provider.busy)
      for (const view of this.#views) view.put(provider)
    })
  }

  #gossip(report: SimReport): void {
    this.#pendingReports.push(report)
    if (this.#pendingReports.length > 1) return
    this.#queue.after(REPORT_DELAY_TASKS * this.#taskIntervalMs, () => {
      for (const told of this.#pendingReports.splice(0)) this.#tell(told)
    })
  }

  #tell(report: SimReport): void {
    const fromAttackers = !this.#isHonestWitness(report.witness)
    if (!fromAttackers && report.status === 'dishonest') report.subject.exposed++
    for (const { index, key, isEclipsed } of this.#requesters) {
      // Whoever controls a node's view also decides what it hears.
      if (key !== report.witness && (!isEclipsed || fromAttackers)) this.#choosers[index]!.hear(report)
    }
  }

  #isHonestWitness(witness: string): boolean {
    this.#honestWitnesses ??= new Set(this.#requesters.map(({ key }) => key))
    return this.#honestWitnesses.has(witness)
  }

  #scheduleTick(intervalMs: number): void {
    this.#queue.after(intervalMs, () => {
      this.#attack.tick()
      this.#scheduleTick(intervalMs)
    })
  }

  #arrive(requester: SimRequester, number: number, random: Random): void {
    const { tasks } = this.#options
    if (number >= tasks) return
    this.#queue.after(random.exponential(this.#taskIntervalMs), () => {
      const task: SimTask = {
        number,
        model: random.pick(requester.models),
        promptTokens: Math.ceil(random.exponential(MEAN_PROMPT_TOKENS)) + 1,
        outputTokens: Math.min(MAX_OUTPUT_TOKENS, Math.ceil(random.exponential(MEAN_OUTPUT_TOKENS)) + 1),
      }
      if (number === this.#options.newcomersJoinAt && !this.#haveNewcomersJoined) this.#letNewcomersJoin()
      this.#try(requester, task, this.#networkTasks++, new Set([this.#honest[requester.index]!]), 0, random)
      this.#arrive(requester, number + 1, random)
    })
  }

  #letNewcomersJoin(): void {
    this.#haveNewcomersJoined = true
    const veterans = this.#random.fork().sample(this.#honest, this.#options.newcomers)
    for (const [place, veteran] of veterans.entries()) {
      const staked = place % 2 === 0
      const newcomer = this.#population.twin(veteran, staked ? STAKE_CREDITS : 0)
      this.#twins.push({ veteran, newcomer })
      // Attackers find those that join later, too.
      this.#honest.push(newcomer)
      if (this.#hidden.has(veteran)) this.#hidden.add(newcomer)
      this.#pairOf.set(veteran, { isNewcomer: false, staked })
      this.#pairOf.set(newcomer, { isNewcomer: true, staked })
      this.#join(newcomer)
    }
  }

  #try(
    requester: SimRequester,
    task: SimTask,
    networkTask: number,
    tried: Set<SimProvider>,
    attempt: number,
    random: Random,
  ): void {
    const chooser = this.#choosers[requester.index]!
    const ranked = attempt < MAX_ATTEMPTS ? chooser.rank(task, tried) : []
    for (const provider of ranked) {
      tried.add(provider)
      if (provider.isAlive && provider.busy < provider.slots * (1 + MAX_QUEUE_PER_SLOT)) {
        this.#do(requester, task, networkTask, tried, attempt, random, provider)
        return
      }
      chooser.began(provider, task)
      chooser.observe(this.#observation(task, provider, { status: 'refused' }))
    }
    this.#lost++
    this.#finished++
  }

  #do(
    requester: SimRequester,
    task: SimTask,
    networkTask: number,
    tried: Set<SimProvider>,
    attempt: number,
    random: Random,
    provider: SimProvider,
  ): void {
    const waits = Math.max(0, provider.busy + 1 - provider.slots) / provider.slots
    this.#choosers[requester.index]!.began(provider, task)
    this.#takeSlot(provider, 1)
    const act = this.#actOf(provider, requester, random)
    const ttftMs =
      provider.ttftMs +
      2 * (provider.region === requester.region ? NEAR_MS : FAR_MS) +
      (waits * MEAN_OUTPUT_TOKENS * 1_000) / provider.tokensPerSecond
    const delivered = act === 'fail' || act === 'stall' ? BROKEN_OFF_SHARE : 1
    const outputTokens = Math.ceil(task.outputTokens * delivered)
    const totalMs =
      ttftMs + (outputTokens / provider.tokensPerSecond) * 1_000 + (act === 'stall' ? STALL_MS : 0)
    this.#queue.after(totalMs, () => {
      this.#takeSlot(provider, -1)
      provider.tasks++
      const paid = taskCost({ promptTokens: task.promptTokens, outputTokens }, provider)
      this.#account(task, networkTask, provider, act, paid)
      const { status, audited } = this.#judge(requester, provider, act, random)
      if (audited) this.#auditCost += ((task.promptTokens + outputTokens) * provider.inputPerMillion) / 1e6
      const observation = this.#observation(task, provider, {
        ...{ status, audited, paid, outputTokens, totalMs, ttftMs },
      })
      this.#choosers[requester.index]!.observe(observation)
      if (audited || random.chance(REPORT_SHARE))
        this.#gossip({
          ...{ witness: requester.key, subject: provider, status, audited, paid },
          ...{ atMs: observation.atMs, receiptId: observation.receiptId },
        })
      if (act === 'fail' || act === 'stall')
        this.#try(requester, task, networkTask, tried, attempt + 1, random)
      else this.#finished++
    })
  }

  #takeSlot(provider: SimProvider, change: 1 | -1): void {
    const wasFree = provider.busy < provider.slots
    provider.busy += change
    // Loads are gossiped when they change from free to full and back.
    if (wasFree !== provider.busy < provider.slots) this.#announce(provider)
  }

  #actOf(provider: SimProvider, requester: SimRequester, random: Random): Act {
    const luck = random.uniform()
    if (luck < provider.failureRate) return 'fail'
    if (luck < provider.failureRate + provider.stallRate) return 'stall'
    return provider.isAttacker ? this.#attack.act(provider, requester) : 'serve'
  }

  /** What the requester comes to know: what breaks off, always; a wrong output, only when an audit finds it. */
  #judge(
    requester: SimRequester,
    provider: SimProvider,
    act: Act,
    random: Random,
  ): { status: Exclude<Status, 'refused'>; audited: boolean } {
    if (act === 'fail') return { status: 'failed', audited: false }
    if (act === 'stall') return { status: 'stalled', audited: false }
    this.#completed++
    const { auditPower, auditFalseAlarm } = this.#options
    const audited = random.chance(this.#choosers[requester.index]!.auditProbability(provider))
    if (!audited) return { status: 'completed', audited }
    this.#audits++
    const condemned = random.chance(act === 'cheat' ? auditPower : auditFalseAlarm)
    return { status: condemned ? 'dishonest' : 'completed', audited }
  }

  #account(task: SimTask, networkTask: number, provider: SimProvider, act: Act, paid: number): void {
    this.#paid += paid
    const isBadWork = act === 'cheat' || (provider.isAttacker && act !== 'serve')
    this.#tally.add({ ownTask: task.number, networkTask, paid, toAttacker: provider.isAttacker, isBadWork })
    const twin = this.#pairOf.get(provider)
    if (twin !== undefined) this.#twinPay.push({ atTask: task.number, paid, ...twin })
    if (isBadWork) this.#attackerGain += paid
  }

  #observation(
    task: SimTask,
    provider: SimProvider,
    seen: Partial<Observation> & Pick<Observation, 'status'>,
  ): Observation {
    return {
      ...{ task, provider, audited: false, ttftMs: null, totalMs: 0, outputTokens: 0, paid: 0 },
      ...{ atMs: this.#queue.nowMs(), receiptId: this.#receiptId() },
      ...seen,
    }
  }

  #receiptId(): string {
    return `receipt-${this.#receipts++}`
  }
}
