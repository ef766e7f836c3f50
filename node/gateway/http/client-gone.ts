import type { GatewayReply } from './plugin.ts'

/** A signal that fires when the client goes away before its answer has ended. */
export function clientGone(reply: GatewayReply): AbortSignal {
  const gone = new AbortController()
  const { raw } = reply
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort()
  })
  return gone.signal
}
