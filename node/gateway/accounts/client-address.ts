import { isIP } from 'node:net'
import { isLoopback } from '../http/listen-address.ts'
import type { GatewayRequest } from '../http/plugin.ts'

/** What requests of one address are counted by: of IPv6 its first half, since whoever has one has all of it. */
export function addressKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (isIP(plain) !== 6) return plain
  const [head = '', tail = ''] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const missing = plain.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/** Whether a program on this machine asks, and no proxy for somebody else. */
export function isFromThisMachine(request: Pick<GatewayRequest, 'socket' | 'headers'>): boolean {
  const { remoteAddress } = request.socket
  const { headers } = request
  const isForwarded =
    headers['x-forwarded-for'] !== undefined ||
    headers.forwarded !== undefined ||
    headers['x-real-ip'] !== undefined
  return remoteAddress !== undefined && isLoopback(remoteAddress) && !isForwarded
}
