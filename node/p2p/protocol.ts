import type { MessageDefinition } from '../../protocol/codec.ts'
import type { NodeKey } from '../../protocol/ids.ts'

/** How often one peer may open a protocol: a token bucket of `burst` that refills at `perSecond`. */
export interface Quota {
  burst: number
  perSecond: number
}

interface ProtocolBase {
  /** libp2p protocol id; ends in its version. */
  readonly id: `/shoal/${string}/${number}`
  readonly quota: Quota
  /** Streams of this protocol one peer may have open to us at once. */
  readonly maxInboundStreams: number
}

/** One request, one response, one stream. */
export interface RequestProtocol<Request, Response> extends ProtocolBase {
  readonly kind: 'request'
  readonly request: MessageDefinition<Request>
  readonly response: MessageDefinition<Response>
  /** Whole exchange, on either side. */
  readonly timeoutMs: number
}

/**
 * A conversation of frames; `up` from who opened it, `down` from who answered. Whoever opens it hands over
 * `Outgoing`, where that is not `Up` as it is.
 */
export interface StreamProtocol<Up, Down, Outgoing = Up> extends ProtocolBase {
  readonly kind: 'stream'
  readonly up: MessageDefinition<Up>
  readonly down: MessageDefinition<Down>
  /** Makes the frame that goes to `remote` of what was handed over, or throws where it must not. */
  readonly release: (frame: Outgoing, remote: NodeKey) => Up
  /** Until the first frame of the opener arrives. */
  readonly openTimeoutMs: number
}

/** Something gossiped: its topic and the record it carries. */
export interface GossipTopic {
  readonly topic: `shoal/${string}/${number}`
  readonly maxBytes: number
}
