import type { NodeKey } from '../../protocol/ids.ts'

/** What two peers have in common when they may be one operator. */
export type Kinship = 'same_node' | 'same_wallet' | 'same_funder' | 'same_network' | 'wallet_unknown'

/** Facts about who is behind a peer, of which any may be unknown. */
export interface OperatorFacts {
  /** Wallet of its offers or receipts. */
  wallet: string | null
  /** Who sent that wallet its first credits; null when nobody known did, or it was somebody who funds everybody. */
  funder: string | null
  /** Public networks it was seen in: `/24` of IPv4, `/48` of IPv6. */
  networks: readonly string[]
}

/** Who might be one operator. */
export class Operators {
  readonly #factsOf: (peer: NodeKey) => OperatorFacts

  constructor(modules: { factsOf: (peer: NodeKey) => OperatorFacts }) {
    this.#factsOf = modules.factsOf
  }

  /** Whether two peers are, by all that is known, different operators: other wallets, other funders, other networks. */
  areDistinct(a: NodeKey, b: NodeKey): boolean {
    return this.kinship(a, b) === null
  }

  /** What says that two peers may be one operator; null when nothing does. */
  kinship(a: NodeKey, b: NodeKey): Kinship | null {
    if (a === b) return 'same_node'
    const [one, other] = [this.#factsOf(a), this.#factsOf(b)]
    if (one.wallet === null || other.wallet === null) return 'wallet_unknown'
    if (one.wallet === other.wallet) return 'same_wallet'
    // A wallet that pays another's way is behind it.
    const [mine, theirs] = [
      [one.wallet, one.funder],
      [other.wallet, other.funder],
    ]
    if (mine.some(party => party !== null && theirs.includes(party))) return 'same_funder'
    return one.networks.some(network => other.networks.includes(network)) ? 'same_network' : null
  }

  /** Keys a peer shares with everybody who may be the same operator. */
  clustersOf(peer: NodeKey): readonly string[] {
    const { wallet, funder, networks } = this.#factsOf(peer)
    return [
      ...(wallet === null ? [] : [`wallet:${wallet}`]),
      ...(funder === null ? [] : [`wallet:${funder}`]),
      ...networks.map(network => `network:${network}`),
    ]
  }
}

/** The network of a public IP address, `/24` or `/48`; null for private and special ones, where neighbours are strangers. */
export function networkOf(address: string): string | null {
  return address.includes(':') ? networkOfIpv6(address) : networkOfIpv4(address)
}

function networkOfIpv4(address: string): string | null {
  const parts = address.split('.').map(Number)
  if (parts.length !== 4 || parts.some(part => !Number.isInteger(part) || part < 0 || part > 255)) return null
  const [a, b, c] = parts as [number, number, number, number]
  const special =
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168)
  return special ? null : `${a}.${b}.${c}.0/24`
}

function networkOfIpv6(address: string): string | null {
  const groups = ipv6Groups(address)
  if (groups === null) return null
  const [first, second, third] = groups as [number, number, number]
  // Global unicast only: 2000::/3.
  if (first >> 13 !== 1) return null
  return `${[first, second, third].map(group => group.toString(16)).join(':')}::/48`
}

/** The eight groups of an address without an embedded IPv4 one; null when it is none. */
function ipv6Groups(address: string): number[] | null {
  const [head, tail, more] = address.split('::')
  if (more !== undefined) return null
  const parse = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'))
  const [before, after] = [parse(head), parse(tail)]
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const groups = [...before, ...Array.from({ length: missing }, () => '0'), ...after]
  if (groups.some(group => !/^[0-9a-f]{1,4}$/i.test(group))) return null
  return groups.map(group => Number.parseInt(group, 16))
}
