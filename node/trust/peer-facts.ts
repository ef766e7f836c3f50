import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { Address, NodeKey } from '../../protocol/ids.ts'
import { CREDIT } from '../../protocol/money.ts'
import type { Role } from '../../protocol/roles.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { networkOf, type OperatorFacts, Operators } from './clusters.ts'
import type { TrustFacts } from './trust-facts.ts'

export interface PeerFactsModules {
  store: Store
  /** The wallet of a peer's offers, and of `local`, our own; null without one. */
  walletOf: (peer: NodeKey) => Address | null
  /** Who gave a wallet its first credits; null when that is not known. */
  funderOf: (wallet: Address) => Address | null
  /** What the chain says of a wallet that declares this peer's key; null when it is not known or does not. */
  rolesOf: (wallet: Address, peer: NodeKey) => readonly Role[] | null
  /** What a wallet that declares this peer's key has at stake as the chain says, base units; 0 when that is not known. */
  stakeOf: (wallet: Address, peer: NodeKey) => bigint
}

const MAX_PEERS = 50_000
const MAX_NETWORKS = 4

/**
 * A stake counts from one credit on: some thousand answers' worth. It is not what can be taken from a cheat that makes it
 * one, but that a new name needs another, while the first is locked until it has been unbonded.
 */
const LEAST_STAKE = CREDIT

const factsSchema = z.strictObject({
  /** Proven by what it paid: requesters make no offers. */
  payer: z.nullable(wire.address),
  networks: z.array(z.string().max(64)).max(MAX_NETWORKS),
})
type StoredFacts = z.infer<typeof factsSchema>

/** What is known about who is behind peers: where they were seen, and which wallets are theirs. */
export class PeerFacts implements TrustFacts {
  readonly operators: Operators
  readonly #modules: PeerFactsModules
  readonly #table: Table<StoredFacts>
  readonly #known = new Map<NodeKey, StoredFacts>()
  /** The peer each staked wallet was first seen with. */
  readonly #stakers = new Map<Address, NodeKey>()

  constructor(modules: PeerFactsModules) {
    this.#modules = modules
    this.#table = modules.store.table('trust-facts', factsSchema)
    this.operators = new Operators({ factsOf: peer => this.#factsOf(peer) })
  }

  /** Reads back what is known. */
  async start(): Promise<void> {
    for await (const [peer, facts] of this.#table.entries({ limit: MAX_PEERS })) this.#known.set(peer, facts)
  }

  /** We have a connection with a peer at a multiaddr, not through a relay. */
  async seenAt(peer: NodeKey, address: string): Promise<void> {
    const [, family, host] = address.split('/')
    const network = family === 'ip4' || family === 'ip6' ? networkOf(host ?? '') : null
    const { payer, networks } = this.#of(peer)
    if (network === null || networks.at(-1) === network) return
    const others = networks.filter(known => known !== network)
    await this.#keep(peer, { payer, networks: [...others, network].slice(-MAX_NETWORKS) })
  }

  /** A peer has paid from a wallet that declares its key on chain. */
  async paidFrom(peer: NodeKey, wallet: Address): Promise<void> {
    const { payer, networks } = this.#of(peer)
    if (payer !== wallet) await this.#keep(peer, { payer: wallet, networks })
  }

  clustersOf(peer: NodeKey): readonly string[] {
    return this.operators.clustersOf(peer)
  }

  isOrchestrator(peer: NodeKey): boolean {
    const wallet = this.#walletOf(peer)
    return wallet !== null && (this.#modules.rolesOf(wallet, peer)?.includes('orchestrator') ?? false)
  }

  /**
   * Whether its wallet has a stake and declares its key. A stake stands for the first key we saw it declared for: else a
   * wallet would lend one stake to one name after another.
   */
  hasStake(peer: NodeKey): boolean {
    const wallet = this.#walletOf(peer)
    if (wallet === null || this.#modules.stakeOf(wallet, peer) < LEAST_STAKE) return false
    const first = this.#stakers.get(wallet)
    if (first !== undefined) return first === peer
    this.#stakers.set(wallet, peer)
    if (this.#stakers.size > MAX_PEERS) this.#stakers.delete(this.#stakers.keys().next().value!)
    return true
  }

  #walletOf(peer: NodeKey): Address | null {
    // A service is an operator of its own, known by its name; it has no wallet to compare.
    if (peer.startsWith('cloud:')) return peer
    return this.#modules.walletOf(peer) ?? this.#of(peer).payer
  }

  #factsOf(peer: NodeKey): OperatorFacts {
    const wallet = this.#walletOf(peer)
    return {
      wallet,
      funder: wallet === null || wallet === peer ? null : this.#modules.funderOf(wallet),
      networks: this.#of(peer).networks,
    }
  }

  #of(peer: NodeKey): StoredFacts {
    return this.#known.get(peer) ?? NOTHING_KNOWN
  }

  async #keep(peer: NodeKey, facts: StoredFacts): Promise<void> {
    this.#known.delete(peer)
    this.#known.set(peer, facts)
    const operations = [this.#table.putOperation(peer, facts)]
    if (this.#known.size > MAX_PEERS) {
      const oldest = this.#known.keys().next().value!
      this.#known.delete(oldest)
      operations.push(this.#table.deleteOperation(oldest))
    }
    await this.#modules.store.batch(operations, { sync: false })
  }
}

const NOTHING_KNOWN: StoredFacts = { payer: null, networks: [] }
