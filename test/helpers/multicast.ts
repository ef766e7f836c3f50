import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** Of mDNS (RFC 6762). */
const GROUP = '224.0.0.251'
const TIMEOUT_MS = 1_000

/** Why multicast does not work on this machine, as mDNS needs it; null when it does. */
export async function multicastTrouble(): Promise<string | null> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    socket.bind(0)
    await once(socket, 'listening')
    socket.addMembership(GROUP)
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(TIMEOUT_MS) })
    socket.send('hello', socket.address().port, GROUP)
    await heard
    return null
  } catch (error) {
    return `multicast does not work here: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    socket.close()
  }
}
