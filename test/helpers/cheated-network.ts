import { createHash } from 'node:crypto'
import { DEFAULT_PREFERENCES } from '../../node/market/preferences.ts'
import type { NodeEvent } from '../../node/node-events.ts'
import type { TaskResult } from '../../node/tasks/ask.ts'
import type { Case } from '../../node/trust/disputes/case.ts'
import type { Bytes32 } from '../../protocol/ids.ts'
import { CREDIT } from '../../protocol/money.ts'
import type { Role } from '../../protocol/roles.ts'
import { type Cheat, STAND_INS, tamperWith } from './cheat-engines.ts'
import { TestNetwork, type TestNode } from './nodes.ts'
import { seededRandom } from './seeded-random.ts'
import { waitUntil } from './wait.ts'

type Audited = Extract<NodeEvent, { type: 'audited' }>

/** What everybody offers; cheats do something else under its name. */
const CLAIMED = 'shoal-mini-q8_0'
const TRADERS = 6
/** The court takes five jurors and no party: six traders leave so many seats empty. */
const VALIDATORS = 2
const JURORS = 5
/** How long each part of a trial takes, as the contracts are deployed here; see contracts/ignition/parameters/local.json. */
const PERIOD_SECONDS = 600
const HONEST_STAKE = 500n * CREDIT
const CHEATS_STAKE = 200n * CREDIT
/** Credits for a million tokens of output: who cheats has no cost, and baits with it. */
const HONEST_PRICE = 1
const CHEATS_PRICE = 0.5
const READY_WITHIN_MS = 60_000
const TRIED_WITHIN_MS = 120_000

interface CheatedNetworkOptions {
  seed: number
  cheats: readonly Cheat[]
  /** Honest nodes that ask; the others only answer. */
  requesters: number
  maxTokens: number
  /** Whether requesters audit; default true. */
  isAudited?: boolean
}

/** What happened to an honest node. */
interface Penalty {
  /** The beginning of its key. */
  node: string
  why: string
}

/** How the work of a network was shared out. */
export interface Shares {
  tasks: number
  tasksOfCheats: number
  /** Base units paid for all work, and for that of cheats. */
  paid: bigint
  paidToCheats: bigint
}

/**
 * A network of six whole nodes that trade, some of which cheat, and two that only sit in juries. All have a stake. Honest nodes
 * offer and judge, some of them ask; who asks, audits. Nothing of a node is replaced but what the cheats' engines make.
 */
export class CheatedNetwork {
  /** Nodes that do what they say. The first ones ask. */
  honest: TestNode[] = []
  cheats: TestNode[] = []
  /** Who neither offers nor asks. */
  validators: TestNode[] = []
  readonly #network = new TestNetwork()
  readonly #options: CheatedNetworkOptions
  readonly #random: () => number
  readonly #done: TaskResult[] = []
  #asked = 0

  constructor(options: CheatedNetworkOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  get requesters(): TestNode[] {
    return this.honest.slice(0, this.#options.requesters)
  }

  async start(): Promise<void> {
    const { cheats } = this.#options
    await this.#network.start({ allowTestMethods: true })
    const { requesters } = this.#options
    const first = await this.#trader(HONEST_PRICE, [CLAIMED])
    const among = { 'p2p.bootstrap': first.address }
    const [others, dishonest, validators] = await Promise.all([
      inParallel(TRADERS - cheats.length - requesters - 1, () =>
        this.#trader(HONEST_PRICE, [CLAIMED], among),
      ),
      Promise.all(cheats.map(cheat => this.#cheat(cheat, among))),
      inParallel(VALIDATORS, () =>
        this.#network.node({ ...among, 'models.serve': '', 'audits.loadModels': true }),
      ),
    ])
    this.honest = [first, ...others]
    // They meet everybody there is, so that none of them has an offer late.
    for (let started = 0; started < requesters; started++) {
      const met = [...this.honest, ...dishonest].map(({ address }) => address).join(',')
      this.honest.unshift(await this.#trader(HONEST_PRICE, [CLAIMED], { 'p2p.bootstrap': met }))
    }
    this.cheats = dishonest
    this.validators = validators
    await Promise.all([
      ...this.honest.map(node => stake(node, HONEST_STAKE, ['compute', 'validator'])),
      ...this.cheats.map(node => stake(node, CHEATS_STAKE, ['compute'])),
      ...this.validators.map(node => stake(node, HONEST_STAKE, ['validator'])),
    ])
    const traders = [...this.honest, ...this.cheats]
    const known = () =>
      this.requesters.every(one =>
        traders.every(other => other === one || one.node.parts.book.of(other.key) !== null),
      )
    await waitUntil('all offers are known', known, READY_WITHIN_MS)
  }

  stop(): Promise<void> {
    return this.#network.stop()
  }

  /** Has each requester ask so many tasks, one after the other. */
  async ask(tasks: number): Promise<void> {
    await Promise.all(
      this.requesters.map(async requester => {
        for (let task = 0; task < tasks; task++) {
          const prompt = this.#prompt()
          const result = await requester.ask(prompt, {
            ...{ model: CLAIMED, maxTokens: this.#options.maxTokens, sampling: this.#sampling() },
            input: { kind: 'completion', prompt },
            // Whoever asks so is baited most easily.
            preferences: { ...DEFAULT_PREFERENCES, strategy: 'cost' },
          })
          this.#done.push(result)
        }
      }),
    )
  }

  /** How the work was shared out, from the task with this number on. */
  shares(from = 0): Shares {
    const keys = new Set(this.cheats.map(({ key }) => key))
    const shares: Shares = { tasks: 0, tasksOfCheats: 0, paid: 0n, paidToCheats: 0n }
    for (const { provider, paid } of this.#done.slice(from)) {
      shares.tasks++
      shares.paid += paid
      if (!keys.has(provider)) continue
      shares.tasksOfCheats++
      shares.paidToCheats += paid
    }
    return shares
  }

  /** Whether every requester has found out each of the cheats. */
  get areAllCaught(): boolean {
    return this.requesters.every(({ node }) =>
      this.cheats.every(({ key }) => node.parts.reputation.honesty(key).standing === 'caught'),
    )
  }

  /** Whether each of the cheats has been found out by a requester. Others may learn it from that one, and never ask the cheat. */
  get areAllFound(): boolean {
    return this.cheats.every(({ key }) =>
      this.requesters.some(({ node }) => node.parts.reputation.honesty(key).standing === 'caught'),
    )
  }

  /** Waits until requesters have done the audits that they can do by now. */
  async audited(): Promise<void> {
    await Promise.all(this.requesters.map(({ node }) => node.parts.verification.audits.settled()))
  }

  /** What each requester holds of each cheat, to be read by people. */
  get standings(): string {
    return this.requesters
      .flatMap(({ key, node }) =>
        this.cheats.map(cheat => {
          const { standing } = node.parts.reputation.honesty(cheat.key)
          const { audits } = node.parts.reputation.opinion(cheat.key)
          return `${name(cheat.key)} is ${standing} to ${name(key)} after ${audits.passed} + ${audits.failed} audits`
        }),
      )
      .join(', ')
  }

  /** Cases that requesters have brought to court. */
  get cases(): Case[] {
    return this.requesters.flatMap(({ node }) => [...node.parts.verification.disputes!.desk.list()])
  }

  /** Cases against a cheat that ended with a conviction. */
  wonAgainst({ key }: TestNode): Case[] {
    return this.cases.filter(
      ({ provider, outcome, state }) => provider === key && state === 'closed' && outcome === 'guilty',
    )
  }

  /**
   * Lets time go by, and blocks come, as the court needs them, until it has decided every case. What happens in it, nodes
   * do by themselves; time goes on only once they have done what is to be done until then.
   */
  async tried(): Promise<void> {
    let before = ''
    await waitUntil(
      'the court has decided every case',
      async () => {
        const live = this.cases.filter(({ state }) => state !== 'closed' && state !== 'given_up')
        if (live.length === 0) return true
        // The block that draws a jury comes by itself on a chain that others use, too.
        if (live.some(({ courtState }) => courtState === 'draw')) await this.#chain('evm_mine')
        const { timestamp } = (await this.#chain('eth_getBlockByNumber', ['latest', false])) as {
          timestamp: string
        }
        const nowMs = Number(timestamp) * 1_000
        const now = live.map(one => `${one.claim} ${one.courtState} ${this.#votes(one, nowMs)}`).join('\n')
        if (now === before || !live.every(one => this.#hasToWait(one, nowMs))) return false
        before = now
        await this.#chain('evm_increaseTime', [PERIOD_SECONDS])
        await this.#chain('evm_mine')
        return false
      },
      TRIED_WITHIN_MS,
    )
  }

  /** What happened to honest nodes that should not have; empty when nothing did. */
  async penalties(): Promise<Penalty[]> {
    const penalties: Penalty[] = []
    const add = (node: string, why: string) => penalties.push({ node: name(node), why })
    const innocent = [...this.honest, ...this.validators]
    for (const { key, node, wallet } of innocent) {
      const { stake } = await node.trade.economy.client.balances(wallet.address)
      if (stake < HONEST_STAKE) add(key, `lost stake: ${HONEST_STAKE - stake}`)
    }
    for (const by of [...innocent, ...this.cheats]) {
      const { reputation, verification } = by.node.parts
      for (const { key } of innocent) {
        const { standing } = reputation.honesty(key)
        if (standing === 'caught' || standing === 'suspected') add(key, `is ${standing} to ${name(by.key)}`)
        const { exclusion } = verification.consequences.of(key)
        if (exclusion !== null) add(key, `is excluded by ${name(by.key)}: ${exclusion.reason}`)
        for (const one of verification.disputes!.desk.list())
          if (one.provider === key) add(key, `is taken to court by ${name(by.key)}`)
        for (const audit of by.told.filter(isAudit))
          if (audit.provider === key && audit.result !== 'passed')
            add(key, `found ${audit.result} by ${name(by.key)}`)
      }
    }
    return penalties
  }

  /** What a cheat has lost of its stake, base units. */
  async lostStake({ node, wallet }: TestNode): Promise<bigint> {
    return CHEATS_STAKE - (await node.trade.economy.client.balances(wallet.address)).stake
  }

  /** Whether nothing more happens in a case before some time has gone by. */
  #hasToWait(one: Case, nowMs: number): boolean {
    if (one.courtState === 'appealable') return true
    if (one.courtState !== 'vote') return false
    const votes = this.#votes(one, nowMs)
    return votes === `${JURORS} committed` || votes === `${JURORS} revealed`
  }

  /** How many jurors have done what there is to do now. */
  #votes({ disputeId }: Case, nowMs: number): string {
    const seats = [...this.honest, ...this.validators].flatMap(({ node }) =>
      (node.parts.verification.disputes!.jury?.list() ?? []).filter(duty => duty.disputeId === disputeId),
    )
    const isRevealing = seats.some(({ commitUntilMs }) => commitUntilMs !== null && commitUntilMs <= nowMs)
    const due = isRevealing ? 'revealed' : 'committed'
    return `${seats.filter(({ state }) => state === due).length} ${due}`
  }

  async #chain(method: string, params: readonly unknown[] = []): Promise<unknown> {
    const response = await fetch(this.#network.chain.rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    const { result, error } = (await response.json()) as { result: unknown; error?: { message: string } }
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result
  }

  #trader(price: number, models: readonly string[], more: object = {}): Promise<TestNode> {
    return this.#network.node({
      ...{ 'models.serve': models.join(','), 'disputes.maxBond': '100', 'price.dynamic': false },
      ...{ 'price.output': String(price), 'price.input': String(price / 4) },
      ...(this.#options.isAudited === false ? { 'audits.share': 0 } : {}),
      ...more,
    })
  }

  async #cheat(cheat: Cheat, among: object): Promise<TestNode> {
    const standIn = STAND_INS[cheat]
    const node = await this.#trader(
      CHEATS_PRICE,
      standIn === undefined ? [CLAIMED] : [CLAIMED, standIn],
      among,
    )
    tamperWith(node.node.parts.engine, cheat)
    return node
  }

  #sampling() {
    const nonce: Bytes32 = `0x${createHash('sha256')
      .update(`${this.#options.seed}:${this.#asked++}`)
      .digest('hex')}`
    return { temperature: 1, topP: 1, minP: 0, topK: 0, nonce, seedScope: 'task' as const }
  }

  /** How it goes on nobody knows by heart. */
  #prompt(): string {
    const one = (words: readonly string[]) => words[Math.floor(this.#random() * words.length)]!
    return `${one(WHEN)} ${one(WHO)} ${one(WHERE)}`
  }
}

async function stake({ node }: TestNode, amount: bigint, roles: readonly Role[]): Promise<void> {
  const { staker } = node.trade.economy
  await staker.add(amount)
  await staker.setRoles(roles)
}

function inParallel<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, make))
}

function isAudit(event: NodeEvent): event is Audited {
  return event.type === 'audited'
}

function name(key: string): string {
  return key.slice(0, 8)
}

const WHEN = ['Once upon a time', 'Long ago', 'Every evening', 'In the cold winter', 'One morning', 'At noon']
const WHO = ['seven old fishermen', 'a tired baker', 'my sister', 'two grey cats', 'an engineer', 'the king']
const WHERE = [
  'in the harbour',
  'near the hill',
  'behind the market',
  'under the bridge',
  'by the sea',
  'at home',
]
