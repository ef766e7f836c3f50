import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { bidProtocol } from '../../../node/market/auction/protocols.ts'
import { offersProtocol, offersTopic } from '../../../node/market/protocols.ts'
import type { Violation } from '../../../node/p2p/errors.ts'
import type { ChannelLease } from '../../../node/payments/payer-channels.ts'
import { taskProtocol } from '../../../node/tasks/protocol.ts'
import { auditProtocol } from '../../../node/trust/audits/remote-protocol.ts'
import { evidenceProtocol, proofProtocol } from '../../../node/trust/disputes/protocols.ts'
import { cidOf, decodeMessage, encodeMessage } from '../../../protocol/codec.ts'
import { createNodeSigner } from '../../../protocol/identity.ts'
import { bidRequestMessage } from '../../../protocol/messages/bid.ts'
import { countersignatureMessage } from '../../../protocol/messages/countersignature.ts'
import { type Offer, offerMessage } from '../../../protocol/messages/offer.ts'
import { offersRequestMessage } from '../../../protocol/messages/offer-exchange.ts'
import { type ProviderFrame, providerFrameMessage } from '../../../protocol/messages/provider-frame.ts'
import { type RequesterFrame, requesterFrameMessage } from '../../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../../protocol/messages/task-request.ts'
import { createRecord } from '../../../protocol/signed.ts'
import { askFor, TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { Rogue, type RogueStream } from '../../helpers/rogue.ts'
import { plainTerms, seedOf } from '../../helpers/samples.ts'
import { waitUntil } from '../../helpers/wait.ts'

const LONG_MS = 86_400_000
const SIGNATURE = `0x${'5a'.repeat(64)}1b`
const asFrame = (frame: RequesterFrame) => encodeMessage(requesterFrameMessage, frame)
const nextFrame = async (stream: RogueStream): Promise<ProviderFrame | null> => {
  const bytes = await stream.read()
  return bytes === null ? null : decodeMessage(providerFrameMessage, bytes)
}

describe('a node among hostile peers', () => {
  const network = new TestNetwork()
  const rogues: Rogue[] = []
  /** Who has opened a stream before the first test, and never says a word in it. */
  const silent: { id: string; peer: Rogue; stream: RogueStream }[] = []
  let node: TestNode
  let honest: TestNode
  let lease: ChannelLease
  let firstOffer: { cid: string; expiresAtMs: number }

  before(async () => {
    await network.start()
    node = await network.node({
      'task.paymentTimeout': '1s',
      'task.creditWindowTokens': 16,
      'offer.lifetime': '10s',
    })
    honest = await network.node({ 'models.serve': '', 'p2p.bootstrap': node.address })
    await honest.knows(node)
    const { cid, offer: body } = node.node.trade.offers!.current()!
    firstOffer = { cid, expiresAtMs: body.expiresAtMs }
    for (const { id } of PROTOCOLS) {
      const peer = await Rogue.start()
      silent.push({ id, peer, stream: await peer.open(node.address, id) })
    }
    await honest.ask('Hello!')
    const payee = node.wallet.address
    lease = await honest.node.trade.economy.payer.acquire({
      payee,
      needed: 1_000_000n,
      minRemainingMs: 600_000,
    })
  })
  afterEach(async () => {
    await Promise.all(rogues.splice(0).map(rogue => rogue.stop()))
    assert.equal((await honest.ask('Hello!')).status, 'completed', 'the node goes on for others')
    await waitUntil('it is idle', () => node.node.parts.engine.status().active === 0)
  })
  after(async () => {
    await Promise.all(silent.map(({ peer }) => peer.stop()))
    await network.stop()
  })

  async function rogue(seed?: Uint8Array): Promise<Rogue> {
    const made = await Rogue.start(seed)
    rogues.push(made)
    return made
  }

  const violationsOf = ({ key }: Rogue) => node.node.parts.reputation.score(key).violations

  async function counted(kind: Violation): Promise<number> {
    const { values } = await node.node.metrics.violations.get()
    return values.find(({ labels }) => labels.kind === kind)?.value ?? 0
  }

  /** Does something once, as a new peer, and waits until it is counted as what it is and held against that peer. */
  async function assertBlamed(
    expected: Violation,
    misbehave: (peer: Rogue) => Promise<unknown>,
  ): Promise<Rogue> {
    const before = await counted(expected)
    const peer = await rogue()
    const newcomer = node.node.parts.reputation.score(peer.key).lowerBound
    await misbehave(peer)
    await waitUntil(`${expected} is counted`, async () => (await counted(expected)) > before)
    await waitUntil('it is held against the peer', () => violationsOf(peer) > 0)
    assert.ok(node.node.parts.reputation.score(peer.key).lowerBound < newcomer)
    return peer
  }

  /** A request that is taken, on the channel of somebody else. */
  function request(changes: Partial<TaskRequest> = {}): TaskRequest {
    const { cid, offer: body } = node.node.trade.offers!.current()!
    const { input, maxTokens, sampling, stop } = askFor('What is Shoal?')
    return {
      ...{ kind: 'request', taskId: randomBytes(16).toString('hex'), attempt: 0, offer: cid },
      ...plainTerms,
      ...{
        model: body.models[0]!.model,
        input,
        continuation: null,
        maxTokens,
        sampling,
        stop,
        jsonSchema: null,
      },
      payment: { payer: honest.wallet.address, channelId: lease.channelId, voucher: null },
      ...changes,
    }
  }

  async function accepted(peer: Rogue): Promise<RogueStream> {
    const stream = await peer.open(node.address, taskProtocol.id)
    stream.write(asFrame(request()))
    assert.equal((await nextFrame(stream))?.kind, 'accepted')
    return stream
  }

  const PROTOCOLS = [
    { id: offersProtocol.id, maxBytes: offersRequestMessage.maxBytes },
    { id: taskProtocol.id, maxBytes: requesterFrameMessage.maxBytes },
    { id: bidProtocol.id, maxBytes: bidRequestMessage.maxBytes },
    { id: proofProtocol.id, maxBytes: proofProtocol.request.maxBytes },
    { id: evidenceProtocol.id, maxBytes: evidenceProtocol.request.maxBytes },
    { id: auditProtocol.id, maxBytes: auditProtocol.up.maxBytes },
  ]

  it('is attacked here on every protocol it speaks', async () => {
    const peer = await rogue()
    const spoken = (await peer.meet(node.address)).filter(
      id => id.startsWith('/shoal/') && !id.includes('/kad/'),
    )
    assert.deepEqual(spoken.toSorted(), PROTOCOLS.map(({ id }) => id).toSorted())
  })

  for (const { id, maxBytes } of PROTOCOLS) {
    const open = (peer: Rogue) => peer.open(node.address, id)
    it(`drops garbage, frames of another protocol, and frames too long on ${id}`, async () => {
      await assertBlamed('bad_frame', async peer => (await open(peer)).write(randomBytes(50)))
      await assertBlamed('bad_frame', async peer =>
        (await open(peer)).write(encodeMessage(providerFrameMessage, { kind: 'done' })),
      )
      await assertBlamed('oversize_frame', async peer =>
        (await open(peer)).write(new Uint8Array(maxBytes + 1)),
      )
      await assertBlamed('oversize_frame', async peer =>
        (await open(peer)).send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)),
      )
    })

    it(`is not hurt by streams that break off on ${id}`, async () => {
      const peer = await rogue()
      for (let i = 0; i < 8; i++) {
        const stream = await open(peer)
        stream.send(Uint8Array.of(0x40, ...randomBytes(i)))
        stream.raw.abort(new Error('broken off'))
      }
      await peer.meet(node.address)
    })

    it(`limits how often a peer opens ${id}`, async () => {
      await assertBlamed('over_quota', async peer => {
        // Several at once: one after the other, a busy machine may not open them faster than they are allowed.
        await waitUntil('it is too often', async () => {
          await Promise.all(
            Array.from({ length: 8 }, async () => {
              const stream = await open(peer).catch(() => null)
              stream?.raw.abort(new Error('enough'))
            }),
          )
          return violationsOf(peer) > 0
        })
      })
    })
  }

  it('answers mutated requests with a refusal or an end, and blames who sends what is no request', async () => {
    const good = asFrame(request({ payment: { ...request().payment, channelId: `0x${'77'.repeat(32)}` } }))
    const edit = fc.record({
      at: fc.integer({ min: 1, max: good.length - 1 }),
      byte: fc.nat(255),
      cut: fc.boolean(),
    })
    const edits = fc.sample(fc.array(edit, { minLength: 1, maxLength: 3 }), { numRuns: 60, seed: 1 })
    let blamed = 0
    for (let i = 0; i < edits.length; i += 3) {
      const peer = await rogue()
      for (const changes of edits.slice(i, i + 3)) {
        let bytes = good.slice()
        for (const { at, byte, cut } of changes) {
          if (cut) bytes = bytes.slice(0, at)
          else if (at < bytes.length) bytes[at] = byte
        }
        const stream = await peer.open(node.address, taskProtocol.id)
        stream.write(bytes)
        const answer = await nextFrame(stream)
        assert.ok(answer === null || answer.kind === 'refused')
      }
      blamed += violationsOf(peer)
      await peer.stop()
    }
    assert.ok(blamed > edits.length / 2)
  })

  it('refuses what it did not offer, and channels that are not there, without blame', async () => {
    const peer = await rogue()
    const unknown = `0x${'66'.repeat(32)}`
    const foreign = createRecord(offerMessage, node.node.trade.offers!.current()!.offer, peer.signer)
    const cases: [Partial<TaskRequest>, string][] = [
      [{ offer: foreign.cid }, 'offer_unknown'],
      [{ model: `other@sha256:${'ab'.repeat(32)}` }, 'bad_request'],
      [{ payment: { ...request().payment, channelId: unknown } }, 'channel_unknown'],
      [{ payment: { ...request().payment, payer: `0x${'55'.repeat(20)}` } }, 'channel_unknown'],
      [{ jsonSchema: '[1]' }, 'schema_unsupported'],
      [
        { maxTokens: 131_072, input: { kind: 'completion', prompt: 'word '.repeat(9_000) } },
        'prompt_too_long',
      ],
    ]
    for (const [changes, code] of cases) {
      const stream = await peer.open(node.address, taskProtocol.id)
      stream.write(asFrame(request(changes)))
      const answer = await nextFrame(stream)
      assert.equal(answer?.kind === 'refused' && answer.code, code)
    }
    assert.equal(violationsOf(peer), 0)
  })

  it('takes no voucher that is forged, somebody else’s, or shown before', async () => {
    const { payment } = request()
    const earned = () => node.node.trade.economy.payee.list().map(({ cumulative }) => cumulative)
    const before = earned()
    await assertBlamed('bad_payment', async peer => {
      const voucher = { cumulativeAmount: before[0]! + 1n, signature: SIGNATURE }
      const stream = await peer.open(node.address, taskProtocol.id)
      stream.write(asFrame(request({ payment: { ...payment, voucher } })))
      const answer = await nextFrame(stream)
      assert.equal(answer?.kind === 'refused' && answer.code, 'voucher_invalid')
    })
    await assertBlamed('bad_payment', async peer => {
      const stream = await accepted(peer)
      stream.write(
        asFrame({ kind: 'payment', cumulativeAmount: before[0]! + 5n, taskAmount: 5n, signature: SIGNATURE }),
      )
    })
    // The node shows its best voucher to whoever names the channel: it is worth nothing to them.
    const { cumulativeAmount, signature } = lease.voucher()!
    await assertBlamed('bad_payment', async peer => {
      const stream = await accepted(peer)
      stream.write(asFrame({ kind: 'payment', cumulativeAmount, taskAmount: 5n, signature }))
      for (let frame = await nextFrame(stream); frame !== null; frame = await nextFrame(stream))
        if (frame.kind === 'end') break
    })
    assert.deepEqual(earned(), before)
  })

  it('gives nothing but the credit window to who does not pay', async () => {
    let got = 0
    await assertBlamed('unpaid', async peer => {
      const stream = await accepted(peer)
      for (let frame = await nextFrame(stream); frame !== null; frame = await nextFrame(stream)) {
        if (frame.kind === 'prefill') got = Math.max(got, frame.promptTokens)
        if (frame.kind === 'output') got += frame.tokens.length
        if (frame.kind === 'end') break
      }
      stream.raw.abort(new Error('ran away'))
    })
    assert.ok(got <= 16, `${got} tokens`)
  })

  it('drops frames out of place and countersignatures that are none', async () => {
    const stranger = createNodeSigner(seedOf(9))
    const { cid } = node.node.trade.offers!.current()!
    const sign = (signer: typeof stranger) =>
      createRecord(countersignatureMessage, { version: 1, receipt: cid }, signer).bytes
    for (const frame of [
      { kind: 'cancel' },
      { kind: 'payment', cumulativeAmount: 1n, taskAmount: 1n, signature: SIGNATURE },
      { kind: 'countersign', record: sign(stranger) },
    ] as const) {
      await assertBlamed('bad_frame', async peer =>
        (await peer.open(node.address, taskProtocol.id)).write(asFrame(frame)),
      )
    }
    await assertBlamed('bad_frame', async peer => (await accepted(peer)).write(asFrame(request())))
    await assertBlamed('bad_frame', async peer =>
      (await accepted(peer)).write(asFrame({ kind: 'countersign', record: sign(stranger) })),
    )
    for (const record of [
      (_: Rogue) => randomBytes(80),
      () => sign(stranger),
      ({ signer }: Rogue) => sign(signer),
    ]) {
      await assertBlamed('bad_record', async peer => {
        const stream = await accepted(peer)
        stream.write(asFrame({ kind: 'cancel' }))
        for (let frame = await nextFrame(stream); frame?.kind !== 'end'; frame = await nextFrame(stream))
          assert.ok(frame !== null)
        stream.write(asFrame({ kind: 'countersign', record: record(peer) }))
      })
    }
  })

  describe('by gossip and in answers', () => {
    const topic = () => {
      const { chainId, addresses } = node.node.parts.deployment
      return `${chainId}-${addresses.settlement.slice(2, 10)}/${offersTopic.topic}`
    }

    /** A sound offer of a rogue, but for the changes; another one each time. */
    let sequence = 1
    function offer({ signer }: Rogue, changes: Partial<Offer> = {}): Uint8Array {
      const { offer: body } = node.node.trade.offers!.current()!
      const nowMs = Date.now()
      const times = { issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000 }
      return createRecord(offerMessage, { ...body, sequence: sequence++, ...times, ...changes }, signer).bytes
    }

    const BAD: [string, (peer: Rogue) => Uint8Array][] = [
      ['garbage', () => randomBytes(200)],
      [
        'a forged signature',
        peer => {
          const bytes = offer(peer)
          bytes[bytes.length - 1]! ^= 1
          return bytes
        },
      ],
      [
        'a record of another type',
        peer =>
          createRecord(
            countersignatureMessage,
            { version: 1, receipt: cidOf(randomBytes(8)).toString() },
            peer.signer,
          ).bytes,
      ],
      ['an offer for ever', peer => offer(peer, { expiresAtMs: Date.now() + LONG_MS })],
      [
        'an offer from the future',
        peer => offer(peer, { issuedAtMs: Date.now() + LONG_MS, expiresAtMs: Date.now() + LONG_MS + 1_000 }),
      ],
      [
        'an offer that wants money locked for years',
        peer => offer(peer, { minChannelRemainingMs: 1_000 * LONG_MS }),
      ],
    ]

    for (const [name, make] of BAD) {
      it(`drops ${name}`, async () => {
        await assertBlamed('bad_record', async peer => {
          await peer.meet(node.address)
          await peer.gossip(
            topic(),
            () => make(peer),
            () => violationsOf(peer) > 0,
          )
          assert.equal(node.node.parts.book.of(peer.key), null)
        })
        await assertBlamed('bad_record', async peer => {
          await peer.serve(offersProtocol.id, async stream => {
            await stream.read()
            stream.write(
              encodeMessage(offersProtocol.response, { records: [{ offer: make(peer), update: null }] }),
            )
          })
          await peer.meet(node.address)
        })
      })
    }

    it('drops gossip that is too long', async () => {
      await assertBlamed('oversize_frame', async peer => {
        await peer.meet(node.address)
        await peer.gossip(
          topic(),
          () => randomBytes(offersTopic.maxBytes + 1),
          () => violationsOf(peer) > 0,
        )
      })
    })

    it('drops answers that are garbage', async () => {
      await assertBlamed('bad_frame', async peer => {
        await peer.serve(offersProtocol.id, async stream => stream.write(randomBytes(64)))
        await peer.meet(node.address)
      })
    })

    it('knows no offer that has expired or was replaced, and blames nobody for telling it', async () => {
      const { book } = node.node.parts
      const [peer, other] = [await rogue(), await rogue()]
      const expired = offer(other, { issuedAtMs: Date.now() - 60_000, expiresAtMs: Date.now() - 1 })
      const old = offer(peer)
      const current = offer(peer)
      await peer.meet(node.address)
      await peer.gossip(
        topic(),
        () => offer(peer, { sequence: 1_000_000 }),
        () => book.of(peer.key) !== null,
      )
      const known = book.of(peer.key)
      assert.deepEqual(
        [expired, old, current].map(bytes => book.add(bytes)),
        ['ignore', 'ignore', 'ignore'],
      )
      for (const bytes of [expired, old, current])
        await peer.gossip(
          topic(),
          () => bytes,
          () => true,
        )
      // The last word comes after the ones before it.
      await peer.gossip(
        topic(),
        () => offer(peer, { sequence: 1_000_001 }),
        () => book.of(peer.key) !== known,
      )
      assert.equal(book.of(other.key), null)
      assert.equal(violationsOf(peer), 0)
    })
  })

  it('does not talk any more to who goes on like that', async () => {
    const peer = await rogue()
    for (let i = 0; i < 10 && node.node.parts.reputation.isWelcome(peer.key); i++) {
      const before = violationsOf(peer)
      await (await peer.open(node.address, taskProtocol.id)).write(randomBytes(50))
      await waitUntil('it is counted', () => violationsOf(peer) > before)
    }
    assert.equal(node.node.parts.reputation.isWelcome(peer.key), false)
    await waitUntil('it is cut off', () => !node.node.parts.host.isConnected(peer.key))
    await peer.open(node.address, taskProtocol.id).catch(() => null)
    await waitUntil('it stays out', () => !node.node.parts.host.isConnected(peer.key) && !peer.isConnected)
  })

  it('holds no price that has expired', async () => {
    await waitUntil('the first offer has expired', () => Date.now() > firstOffer.expiresAtMs)
    const peer = await rogue()
    const stream = await peer.open(node.address, taskProtocol.id)
    stream.write(asFrame(request({ offer: firstOffer.cid })))
    const answer = await nextFrame(stream)
    assert.equal(answer?.kind === 'refused' && answer.code, 'offer_expired')
  })

  it('has not waited for who says nothing, on any protocol', async () => {
    for (const { id, peer, stream } of silent) {
      assert.equal(await stream.read(), null, `the stream of ${id} is closed`)
      await waitUntil('it is held against the peer', () => violationsOf(peer) > 0)
    }
    assert.equal(await counted('silent'), silent.length)
  })
})
