import type { Address, NodeKey } from '../../protocol/ids.ts'
import type { Role } from '../../protocol/roles.ts'
import { networkOf, type OperatorFacts, Operators } from './clusters.ts'
import type { TrustFacts } from './trust-facts.ts'

export interface PeerFactsModules {
  /** The wallet of a peer's offers, and of `local`, our own; null without one. */
  walletOf: (peer: NodeKey) => Address | null
  /** Who gave a wallet its first credits; null when that is not known. */
  funderOf: (wallet: Address) => Address | null
  /** What the chain says of a wallet that declares this peer's key; null when it is not known or does not. */
  rolesOf: (wallet: Address, peer: NodeKey) => readonly Role[] | null
}

const MAX_PEERS = 50_000
const MAX_NETWORKS = 4

/** What is known about who is behind peers: where they were seen, and which wallets are theirs. */
export class PeerFacts implements TrustFacts {
  readonly operators: Operators
  readonly #modules: PeerFactsModules
  readonly #networks = new Map<NodeKey, string[]>()
  /** Of requesters, which make no offers: proven by what they paid. */
  readonly #payers = new Map<NodeKey, Address>()

  constructor(modules: PeerFactsModules) {
    this.#modules = modules
    this.operators = new Operators({ factsOf: peer => this.#factsOf(peer) })
  }

  /** We have a connection with a peer at a multiaddr, not through a relay. */
  seenAt(peer: NodeKey, address: string): void {
    const [, family, host] = address.split('/')
    const network = family === 'ip4' || family === 'ip6' ? networkOf(host ?? '') : null
    if (network === null) return
    const before = (this.#networks.get(peer) ?? []).filter(known => known !== network)
    remember(this.#networks, peer, [...before, network].slice(-MAX_NETWORKS))
  }

  /** A peer has paid from a wallet that declares its key on chain. */
  paidFrom(peer: NodeKey, wallet: Address): void {
    remember(this.#payers, peer, wallet)
  }

  clustersOf(peer: NodeKey): readonly string[] {
    return this.operators.clustersOf(peer)
  }

  isOrchestrator(peer: NodeKey): boolean {
    const wallet = this.#walletOf(peer)
    return wallet !== null && (this.#modules.rolesOf(wallet, peer)?.includes('orchestrator') ?? false)
  }

  #walletOf(peer: NodeKey): Address | null {
    // A service is an operator of its own, known by its name; it has no wallet to compare.
    if (peer.startsWith('cloud:')) return peer
    return this.#modules.walletOf(peer) ?? this.#payers.get(peer) ?? null
  }

  #factsOf(peer: NodeKey): OperatorFacts {
    const wallet = this.#walletOf(peer)
    return {
      wallet,
      funder: wallet === null || wallet === peer ? null : this.#modules.funderOf(wallet),
      networks: this.#networks.get(peer) ?? [],
    }
  }
}

function remember<V>(known: Map<NodeKey, V>, peer: NodeKey, value: V): void {
  known.delete(peer)
  known.set(peer, value)
  if (known.size > MAX_PEERS) known.delete(known.keys().next().value!)
}
