import { toQuantity } from 'ethers/utils'
import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { Address, Bytes32 } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { ChainPoller } from './chain-poller.ts'
import { type ChainClient, contractInterfaces } from './client.ts'
import { DISPUTE_FAULTS, DISPUTE_OUTCOMES, type DisputeFault, type DisputeOutcome } from './court.ts'

/** What happened in the court. */
export type CourtEvent = { disputeId: number; blockNumber: number } & (
  | { kind: 'opened'; fault: DisputeFault; respondent: Address; challenger: Address; subject: Bytes32 }
  | { kind: 'drawn'; round: number; juror: Address }
  | { kind: 'seated'; round: number; commitUntilMs: number; revealUntilMs: number }
  | { kind: 'decided'; round: number; outcome: DisputeOutcome }
  | { kind: 'appealed'; appellant: Address }
  | { kind: 'closed'; respondent: Address; outcome: DisputeOutcome; taken: bigint }
)

export interface CourtWatcherOptions {
  /** Blocks an event must be deep, its own included, to be told. */
  confirmations: number
  pollIntervalMs: number
}

export interface CourtWatcherModules {
  client: ChainClient
  store: Store
  clock: Clock
  log: Logger
  /** Takes events in the order of the chain; must bear to see one twice, and one that is taken back. */
  onEvents: (events: readonly CourtEvent[]) => Promise<void>
}

/** Blocks asked for at once; public RPCs allow a few thousand. */
const MAX_BLOCK_RANGE = 2_000
/** How far it goes back when the block it had read to is no longer on the chain. */
const REORG_BLOCKS = 64
const CHECKPOINT = 'checkpoint'

const checkpointSchema = z.strictObject({
  nextBlock: wire.count,
  /** Hash of the block before it; null before the first. */
  hash: z.nullable(wire.bytes32),
})
type Checkpoint = z.infer<typeof checkpointSchema>

const { court, jury } = contractInterfaces
const COURT_TOPICS = ['DisputeOpened', 'JuryDecided', 'Appealed', 'DisputeClosed'].map(
  name => court.getEvent(name)!.topicHash,
)
const JURY_TOPICS = ['JurorDrawn', 'JurySeated'].map(name => jury.getEvent(name)!.topicHash)

/**
 * Tells what happens in the court and in its juries, from the contracts' first block on. The place it has read to is
 * on disk with its block's hash: when that block is no longer there, it goes back and tells again.
 */
export class CourtWatcher {
  readonly #options: CourtWatcherOptions
  readonly #modules: CourtWatcherModules
  readonly #table: Table<Checkpoint>
  readonly #poller: ChainPoller
  #checkpoint: Checkpoint = { nextBlock: 0, hash: null }

  constructor(options: CourtWatcherOptions, modules: CourtWatcherModules) {
    this.#options = options
    this.#modules = modules
    const { clock, log } = modules
    this.#poller = new ChainPoller(
      { what: 'the court', intervalMs: options.pollIntervalMs },
      { clock, log, round: () => this.#poll() },
    )
    this.#table = modules.store.table('court-watcher', checkpointSchema)
  }

  async start(): Promise<void> {
    this.#checkpoint = (await this.#table.get(CHECKPOINT)) ?? {
      nextBlock: this.#modules.client.deployment.deploymentBlock,
      hash: null,
    }
    this.#poller.start()
  }

  /** Idempotent; waits for the round in progress. */
  async stop(): Promise<void> {
    await this.#poller.stop()
  }

  /**
   * Reads what is new now instead of at the next interval.
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  poll(): Promise<void> {
    return this.#poller.now()
  }

  async #poll(): Promise<void> {
    const last = (await this.#modules.client.blockNumber()) - this.#options.confirmations + 1
    await this.#stepBackWhereTaken()
    while (this.#checkpoint.nextBlock <= last && !this.#poller.isStopped) {
      const from = this.#checkpoint.nextBlock
      const to = Math.min(last, from + MAX_BLOCK_RANGE - 1)
      // Before the events: a block that replaces this one afterwards is noticed the next time.
      const hash = await this.#hashOf(to)
      const events = await this.#read(from, to)
      if (events.length > 0) await this.#modules.onEvents(events)
      this.#checkpoint = { nextBlock: to + 1, hash }
      await this.#table.put(CHECKPOINT, this.#checkpoint, { sync: false })
    }
  }

  async #stepBackWhereTaken(): Promise<void> {
    const { nextBlock, hash } = this.#checkpoint
    if (hash === null || (await this.#hashOf(nextBlock - 1)) === hash) return
    const { deploymentBlock } = this.#modules.client.deployment
    this.#modules.log.warn({ nextBlock }, 'blocks were taken back; the court is read again')
    this.#checkpoint = { nextBlock: Math.max(deploymentBlock, nextBlock - REORG_BLOCKS), hash: null }
  }

  async #hashOf(block: number): Promise<Bytes32 | null> {
    const { client } = this.#modules
    const found = (await client.request('eth_getBlockByNumber', [toQuantity(block), false])) as {
      hash: string
    } | null
    return found?.hash ?? null
  }

  async #read(fromBlock: number, toBlock: number): Promise<CourtEvent[]> {
    const { client } = this.#modules
    const range = { fromBlock: toQuantity(fromBlock), toBlock: toQuantity(toBlock) }
    const ask = async (address: Address, topics: readonly string[]) =>
      (await client.request('eth_getLogs', [{ ...range, address, topics: [topics] }])) as RawLog[]
    const [fromCourt, fromJury] = await Promise.all([
      ask(client.addresses.court, COURT_TOPICS),
      ask(await client.addressOf('jury'), JURY_TOPICS),
    ])
    return [...fromCourt, ...fromJury]
      .sort(
        (a, b) => Number(a.blockNumber) - Number(b.blockNumber) || Number(a.logIndex) - Number(b.logIndex),
      )
      .flatMap(log => parseCourtLog(log) ?? [])
  }
}

interface RawLog {
  blockNumber: string
  logIndex: string
  topics: string[]
  data: string
}

const address = (value: unknown) => (value as string).toLowerCase()

/** Reads one log of the court or of its jury; null when it tells nothing that matters here. */
function parseCourtLog(log: RawLog): CourtEvent | null {
  const parsed = court.parseLog(log) ?? jury.parseLog(log)
  if (parsed === null) return null
  const { name, args } = parsed
  const common = { disputeId: Number(args.disputeId), blockNumber: Number(log.blockNumber) }
  switch (name) {
    case 'DisputeOpened':
      return {
        ...common,
        kind: 'opened',
        fault: DISPUTE_FAULTS[Number(args.fault)]!,
        respondent: address(args.respondent),
        challenger: address(args.challenger),
        subject: address(args.subject),
      }
    case 'JurorDrawn':
      return { ...common, kind: 'drawn', round: Number(args.round), juror: address(args.juror) }
    case 'JurySeated':
      return {
        ...common,
        kind: 'seated',
        round: Number(args.round),
        commitUntilMs: Number(args.commitUntil) * 1_000,
        revealUntilMs: Number(args.revealUntil) * 1_000,
      }
    case 'JuryDecided':
      return {
        ...common,
        kind: 'decided',
        round: Number(args.round),
        outcome: DISPUTE_OUTCOMES[Number(args.outcome)]!,
      }
    case 'Appealed':
      return { ...common, kind: 'appealed', appellant: address(args.appellant) }
    case 'DisputeClosed':
      return {
        ...common,
        kind: 'closed',
        respondent: address(args.respondent),
        outcome: DISPUTE_OUTCOMES[Number(args.outcome)]!,
        taken: args.taken as bigint,
      }
    default:
      return null
  }
}
