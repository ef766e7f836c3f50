import { isPrivateIp } from '@libp2p/utils'
import type { NetworkScope } from './host-config.ts'
import { parseMultiaddr } from './host-config.ts'

/**
 * Guesses the scope of the network a node is to join: public as soon as one of its addresses or of the
 * nodes it joins by is, local otherwise.
 * @param addresses multiaddrs it announces and bootstraps from
 */
export function guessScope(addresses: readonly string[]): NetworkScope {
  return addresses.some(isPublic) ? 'public' : 'local'
}

function isPublic(address: string): boolean {
  const host = parseMultiaddr(address)
    ?.getComponents()
    .find(({ name }) => name === 'ip4' || name === 'ip6' || name.startsWith('dns'))
  if (host?.value === undefined) return false
  if (host.name.startsWith('dns')) return host.value !== 'localhost' && !host.value.endsWith('.local')
  return isPrivateIp(host.value) !== true
}
