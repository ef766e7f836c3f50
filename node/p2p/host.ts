import { EventEmitter } from 'node:events'
import { TopicValidatorResult } from '@libp2p/gossipsub'
import type { Connection, PeerId, PeerInfo, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { LevelDatastore } from 'datastore-level'
import { createLibp2p, type Libp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { encodeMessage } from '../../protocol/codec.ts'
import { createNodeSigner } from '../../protocol/identity.ts'
import { type NodeKey, peerIdFromPublicKey, publicKeyFromPeerId } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { P2PError, type Violation } from './errors.ts'
import { FrameStream } from './frame-stream.ts'
import {
  DIAL_TIMEOUT_MS,
  libp2pConfig,
  type P2PHostOptions,
  parseMultiaddr,
  type Services,
} from './host-config.ts'
import { assertPortsFree } from './ports.ts'
import type { GossipTopic, RequestProtocol, StreamProtocol } from './protocol.ts'
import { QuotaMeter } from './quota.ts'

export interface P2PHostModules {
  clock: Clock
  log: Logger
  /** Told of every violation; decides about scores. */
  onViolation: (peer: NodeKey, violation: Violation) => void
  /** Whether to talk to a peer at all. */
  isWelcome: (peer: NodeKey) => boolean
  /** What gossip is to make of a peer beside how it relays; 0 for neither good nor bad. */
  gossipScore?: (peer: NodeKey) => number
}

/** What a gossip validator says of a record: `ignore` drops it without blame. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject'

/** Judges a gossiped record. What waits for long counts against the peer that sent it: within 100 ms, or `ignore`. */
type GossipValidator = (data: Uint8Array, from: NodeKey | null) => GossipVerdict | Promise<GossipVerdict>

interface HostEvents {
  /** A peer is connected and has told its protocols; once a connection. */
  peer: [peer: NodeKey]
  disconnect: [peer: NodeKey]
  /** A peer could not be dialled at any address known of it. */
  unreachable: [peer: NodeKey]
  /** A peer was heard of, by mDNS or the DHT, and is not connected. */
  discovered: [peer: NodeKey]
}

const STOP_TIMEOUT_MS = 4_000
/** Who opens a request protocol says what it wants within so long, however long the answer may take. */
const REQUEST_TIMEOUT_MS = 10_000

/** The libp2p host of a node: the only thing that talks to the network. Nodes are named by their key, never by libp2p types. */
export class P2PHost extends EventEmitter<HostEvents> {
  readonly nodeKey: NodeKey
  readonly #options: P2PHostOptions
  readonly #modules: P2PHostModules
  /** Connected peers that have told their protocols. */
  readonly #met = new Set<NodeKey>()
  #libp2p: Libp2p<Services> | null = null
  #datastore: LevelDatastore | null = null
  #starting: Promise<void> | null = null
  #stopping: Promise<void> | null = null

  constructor(options: P2PHostOptions, modules: P2PHostModules) {
    super()
    this.#options = options
    this.#modules = modules
    this.nodeKey = bytesToHex(createNodeSigner(options.seed).publicKey)
  }

  /**
   * Listens and joins.
   * @throws {P2PError} BAD_ADDRESS, PORT_IN_USE
   */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /** Closes every connection; idempotent, ends within 5 s. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Multiaddrs others may dial, each ending in our PeerId; empty while nobody has confirmed one. */
  addresses(): string[] {
    return this.#host.getMultiaddrs().map(String)
  }

  /** Connected peers. */
  peers(): NodeKey[] {
    return this.#host.getPeers().flatMap(peer => nodeKeyOf(peer) ?? [])
  }

  isConnected(peer: NodeKey): boolean {
    return this.#libp2p !== null && this.#libp2p.getConnections(toPeerId(peer)).length > 0
  }

  /** The addresses of a peer's open connections, for people to read. */
  connectionsOf(peer: NodeKey): { address: string; direction: 'inbound' | 'outbound'; relayed: boolean }[] {
    return this.#host.getConnections(toPeerId(peer)).map(connection => ({
      address: connection.remoteAddr.toString(),
      direction: connection.direction,
      relayed: connection.limits !== undefined,
    }))
  }

  /** Round trip to each connected peer on its best connection, ms, where one has been measured. */
  *roundTrips(): Generator<{ peer: NodeKey; rttMs: number }> {
    for (const peer of this.peers()) {
      const measured = this.#host.getConnections(toPeerId(peer)).flatMap(({ rtt }) => rtt ?? [])
      if (measured.length > 0) yield { peer, rttMs: Math.min(...measured) }
    }
  }

  /** Peers from earlier runs, with the addresses that worked. */
  async rememberedPeers(limit: number): Promise<NodeKey[]> {
    const peers = await this.#host.peerStore.all({ limit })
    return peers.flatMap(peer => (peer.addresses.length > 0 ? (nodeKeyOf(peer.id) ?? []) : []))
  }

  /** Remembers where a peer said it can be dialled. Addresses that name another peer are dropped. */
  async addAddresses(peer: NodeKey, addresses: readonly string[]): Promise<void> {
    const id = toPeerId(peer)
    const multiaddrs = addresses.flatMap(text => {
      const parsed = parseMultiaddr(text)
      return parsed !== null && peerIdIn(parsed) === id.toString() ? [parsed] : []
    })
    if (multiaddrs.length > 0) await this.#host.peerStore.merge(id, { multiaddrs })
  }

  /**
   * Connects to a multiaddr.
   * @returns who answered there
   * @throws {P2PError} BAD_ADDRESS, PEER_UNREACHABLE
   */
  async dialAddress(address: string, signal?: AbortSignal): Promise<NodeKey> {
    const parsed = parseMultiaddr(address)
    if (parsed === null) throw new P2PError('BAD_ADDRESS', `not a multiaddr: ${address}`)
    return this.#dial(parsed, signal)
  }

  /**
   * Connects to a peer, by remembered addresses or through the DHT.
   * @throws {P2PError} PEER_UNREACHABLE
   */
  async dialPeer(peer: NodeKey, signal?: AbortSignal): Promise<void> {
    try {
      await this.#dial(toPeerId(peer), signal)
    } catch (error) {
      if (signal?.aborted !== true) this.emit('unreachable', peer)
      throw error
    }
  }

  /** Closes all connections to a peer. */
  async hangUp(peer: NodeKey): Promise<void> {
    await this.#host.hangUp(toPeerId(peer), { signal: AbortSignal.timeout(1_000) }).catch(() => {})
  }

  /** Measures a round trip, ms. @throws {P2PError} PEER_UNREACHABLE */
  async ping(peer: NodeKey, signal: AbortSignal): Promise<number> {
    try {
      return await this.#host.services.ping.ping(toPeerId(peer), { signal })
    } catch (cause) {
      throw new P2PError('PEER_UNREACHABLE', 'the peer does not answer', { cause })
    }
  }

  /** Keeps a peer's connection when others are cut for room. */
  async protect(peer: NodeKey): Promise<void> {
    await this.#host.peerStore.merge(toPeerId(peer), { tags: { 'shoal-wanted': { value: 100 } } })
  }

  /** Answers a request protocol from now on. What `answer` throws closes the stream and is logged. */
  async serve<Request, Response>(
    protocol: RequestProtocol<Request, Response>,
    answer: (peer: NodeKey, request: Request, signal: AbortSignal) => Promise<Response>,
  ): Promise<void> {
    await this.#handle(protocol, async (stream, peer) => {
      const signal = AbortSignal.timeout(protocol.timeoutMs)
      const encode = (response: Response) => encodeMessage(protocol.response, response)
      const frames = this.#frames(stream, peer, encode, protocol.request)
      const spoken = AbortSignal.timeout(Math.min(REQUEST_TIMEOUT_MS, protocol.timeoutMs))
      const request = await this.#firstFrame(frames, peer, spoken)
      if (request === null) return
      await frames.send(await answer(peer, request, signal), signal)
      await frames.close(signal)
    })
  }

  /** Answers a stream protocol from now on; `first` is the opener's first frame. */
  async serveStream<Up, Down, Outgoing>(
    protocol: StreamProtocol<Up, Down, Outgoing>,
    converse: (frames: FrameStream<Down, Up>, first: Up) => Promise<void>,
  ): Promise<void> {
    await this.#handle(protocol, async (stream, peer) => {
      const encode = (frame: Down) => encodeMessage(protocol.down, frame)
      const frames = this.#frames(stream, peer, encode, protocol.up)
      const first = await this.#firstFrame(frames, peer, AbortSignal.timeout(protocol.openTimeoutMs))
      if (first !== null) await converse(frames, first)
    })
  }

  /**
   * Asks a peer.
   * @throws {P2PError} PEER_UNREACHABLE, PROTOCOL_UNSUPPORTED, STREAM_RESET, TIMED_OUT, BAD_FRAME
   */
  async request<Request, Response>(
    peer: NodeKey,
    protocol: RequestProtocol<Request, Response>,
    request: Request,
    signal?: AbortSignal,
  ): Promise<Response> {
    const limit = anySignal(signal, protocol.timeoutMs)
    const stream = await this.#open(peer, protocol.id, limit)
    const encode = (sent: Request) => encodeMessage(protocol.request, sent)
    const frames = this.#frames(stream, peer, encode, protocol.response)
    try {
      await frames.send(request, limit)
      const response = await frames.receive(limit)
      if (response === null) throw new P2PError('STREAM_RESET', 'the peer closed without an answer')
      await frames.close(limit)
      return response
    } catch (error) {
      frames.abort('request failed')
      throw error
    }
  }

  /**
   * Opens a conversation.
   * @throws {P2PError} PEER_UNREACHABLE, PROTOCOL_UNSUPPORTED, TIMED_OUT
   */
  async openStream<Up, Down, Outgoing>(
    peer: NodeKey,
    protocol: StreamProtocol<Up, Down, Outgoing>,
    signal?: AbortSignal,
  ): Promise<FrameStream<Outgoing, Down>> {
    const stream = await this.#open(peer, protocol.id, anySignal(signal, protocol.openTimeoutMs))
    const encode = (frame: Outgoing) => encodeMessage(protocol.up, protocol.release(frame, peer))
    return this.#frames(stream, peer, encode, protocol.down)
  }

  /** Takes part in a topic; `validate` sees every record once, before it is passed on, with who sent it to us. */
  subscribe(topic: GossipTopic, validate: GossipValidator): void {
    const pubsub = this.#host.services.pubsub
    const name = this.#topicName(topic)
    pubsub.topicValidators.set(name, async (from, message) => {
      const sender = nodeKeyOf(from)
      if (message.data.length > topic.maxBytes) {
        if (sender !== null) this.#modules.onViolation(sender, 'oversize_frame')
        return TopicValidatorResult.Reject
      }
      const verdict = await validate(message.data, sender)
      if (verdict === 'reject' && sender !== null) this.#modules.onViolation(sender, 'bad_record')
      return VERDICTS[verdict]
    })
    pubsub.subscribe(name)
  }

  /**
   * Gossips a record to whoever takes part in the topic; nobody need be there yet.
   * @throws {RangeError} when it is longer than the topic allows (the library would drop it silently)
   */
  async publish(topic: GossipTopic, data: Uint8Array): Promise<void> {
    if (data.length > topic.maxBytes)
      throw new RangeError(`${topic.topic}: ${data.length} bytes are too many`)
    await this.#host.services.pubsub.publish(this.#topicName(topic), data)
  }

  /** Tells the DHT that we are one of those who provide `service`. */
  async provide(service: string, signal: AbortSignal): Promise<void> {
    await this.#host.contentRouting.provide(rendezvous(service), { signal })
  }

  /** Peers that said so. Ends with the signal. */
  async *findProviders(service: string, signal: AbortSignal): AsyncGenerator<NodeKey> {
    try {
      for await (const provider of this.#host.contentRouting.findProviders(rendezvous(service), { signal })) {
        const peer = nodeKeyOf(provider.id)
        if (peer === null || peer === this.nodeKey) continue
        if (provider.multiaddrs.length > 0) {
          await this.#host.peerStore.merge(provider.id, { multiaddrs: provider.multiaddrs })
        }
        yield peer
      }
    } catch (error) {
      if (!signal.aborted) this.#modules.log.debug({ err: error }, 'DHT lookup ended early')
    }
  }

  get #host(): Libp2p<Services> {
    if (this.#libp2p === null) throw new P2PError('STOPPED', 'the p2p host is not running')
    return this.#libp2p
  }

  async #start(): Promise<void> {
    const { isWelcome, gossipScore = () => 0 } = this.#modules
    const config = libp2pConfig(this.#options, {
      isWelcome: peer => {
        const key = nodeKeyOf(peer)
        return key !== null && isWelcome(key)
      },
      gossipScore: peer => {
        const key = nodeKeyOf(peer)
        return key === null ? 0 : gossipScore(key)
      },
    })
    await assertPortsFree(this.#options.listen)
    if (this.#options.dataDir !== null) {
      this.#datastore = new LevelDatastore(this.#options.dataDir)
      await this.#datastore.open()
    }
    const libp2p = await createLibp2p<Services>({
      ...config,
      ...(this.#datastore === null ? {} : { datastore: this.#datastore }),
    })
    libp2p.addEventListener('peer:identify', event => {
      const peer = nodeKeyOf(event.detail.peerId)
      // Identify is repeated whenever a peer's addresses change.
      if (peer === null || this.#met.has(peer)) return
      this.#met.add(peer)
      this.emit('peer', peer)
    })
    libp2p.addEventListener('peer:disconnect', event => {
      const peer = nodeKeyOf(event.detail)
      if (peer === null) return
      this.#met.delete(peer)
      this.emit('disconnect', peer)
    })
    libp2p.addEventListener('peer:discovery', event => this.#discovered(event.detail))
    await libp2p.start()
    this.#libp2p = libp2p
  }

  #topicName(topic: GossipTopic): string {
    return `${this.#options.network}/${topic.topic}`
  }

  #discovered(info: PeerInfo): void {
    const peer = nodeKeyOf(info.id)
    if (peer === null || peer === this.nodeKey || this.isConnected(peer)) return
    this.emit('discovered', peer)
  }

  async #dial(target: Multiaddr | PeerId, signal?: AbortSignal): Promise<NodeKey> {
    let connection: Connection
    try {
      connection = await this.#host.dial(target, { signal: anySignal(signal, DIAL_TIMEOUT_MS) })
    } catch (cause) {
      throw new P2PError('PEER_UNREACHABLE', `nobody answers at ${target.toString()}`, { cause })
    }
    const peer = nodeKeyOf(connection.remotePeer)
    if (peer !== null) return peer
    await connection.close()
    throw new P2PError('PEER_UNREACHABLE', `the peer at ${target.toString()} is no Shoal node`)
  }

  async #open(peer: NodeKey, protocolId: string, signal: AbortSignal): Promise<Stream> {
    try {
      return await this.#host.dialProtocol(toPeerId(peer), protocolId, {
        signal,
        runOnLimitedConnection: true,
      })
    } catch (cause) {
      if (signal.aborted) throw new P2PError('TIMED_OUT', 'the peer did not answer in time', { cause })
      if (cause instanceof Error && cause.name === 'UnsupportedProtocolError') {
        throw new P2PError('PROTOCOL_UNSUPPORTED', `the peer does not speak ${protocolId}`, { cause })
      }
      throw new P2PError('PEER_UNREACHABLE', 'the peer cannot be reached', { cause })
    }
  }

  #frames<Out, In>(
    stream: Stream,
    remote: NodeKey,
    encode: (frame: Out) => Uint8Array,
    incoming: ConstructorParameters<typeof FrameStream<Out, In>>[0]['incoming'],
  ): FrameStream<Out, In> {
    return new FrameStream(
      { remote, encode, incoming },
      { stream, onViolation: violation => this.#modules.onViolation(remote, violation) },
    )
  }

  /** A peer that opens a stream and then says nothing holds a slot for nothing. */
  async #firstFrame<Out, In>(
    frames: FrameStream<Out, In>,
    peer: NodeKey,
    signal: AbortSignal,
  ): Promise<In | null> {
    try {
      return await frames.receive(signal)
    } catch (error) {
      if (error instanceof P2PError && error.code === 'TIMED_OUT') this.#modules.onViolation(peer, 'silent')
      throw error
    }
  }

  async #handle(
    protocol: { id: string; quota: { burst: number; perSecond: number }; maxInboundStreams: number },
    handler: (stream: Stream, peer: NodeKey) => Promise<void>,
  ): Promise<void> {
    const meter = new QuotaMeter(protocol.quota, { clock: this.#modules.clock })
    await this.#host.handle(
      protocol.id,
      async (stream, connection) => {
        const peer = nodeKeyOf(connection.remotePeer)
        if (peer === null) return stream.abort(new Error('not a Shoal node'))
        if (!meter.take(peer)) {
          this.#modules.onViolation(peer, 'over_quota')
          return stream.abort(new Error('over quota'))
        }
        try {
          await handler(stream, peer)
        } catch (error) {
          stream.abort(error instanceof Error ? error : new Error('handler failed'))
          const level = error instanceof P2PError ? 'debug' : 'error'
          this.#modules.log[level]({ err: error, protocol: protocol.id, peer }, 'stream handler failed')
        }
      },
      {
        maxInboundStreams: protocol.maxInboundStreams,
        maxOutboundStreams: 256,
        runOnLimitedConnection: true,
      },
    )
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => {})
    const libp2p = this.#libp2p
    this.#libp2p = null
    if (libp2p !== null) {
      const stopped = libp2p.stop()
      await Promise.race([
        stopped,
        new Promise(resolve => this.#modules.clock.setTimer(() => resolve(null), STOP_TIMEOUT_MS)),
      ])
    }
    await this.#datastore?.close()
    this.removeAllListeners()
  }
}

const VERDICTS: Record<GossipVerdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}

function anySignal(signal: AbortSignal | undefined, timeoutMs: number): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs)
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
}

function toPeerId(peer: NodeKey): PeerId {
  return peerIdFromString(peerIdFromPublicKey(hexToBytes(peer)))
}

/** Null for peers whose key is not Ed25519: they cannot be nodes of this network. */
function nodeKeyOf(peer: PeerId): NodeKey | null {
  try {
    return bytesToHex(publicKeyFromPeerId(peer.toString()))
  } catch {
    return null
  }
}

function peerIdIn(address: Multiaddr): string | null {
  return address.getComponents().findLast(component => component.name === 'p2p')?.value ?? null
}

/** The DHT key of a service: a raw CID of the sha2-256 of its name. */
function rendezvous(service: string): CID {
  return CID.createV1(
    0x55,
    createDigest(0x12, sha256(new TextEncoder().encode(`shoal/1/service/${service}`))),
  )
}
