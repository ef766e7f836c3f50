import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { DEFAULT_PREFERENCES, type Preferences } from '../../../node/market/preferences.ts'
import { offersProtocol } from '../../../node/market/protocols.ts'
import type { AskOptions, TaskEvent } from '../../../node/tasks/ask.ts'
import { TaskError } from '../../../node/tasks/errors.ts'
import { owedFor } from '../../../node/tasks/metering.ts'
import { taskProtocol } from '../../../node/tasks/protocol.ts'
import { SealedOutput } from '../../../node/tasks/sealed-output.ts'
import { decodeMessage, encodeMessage } from '../../../protocol/codec.ts'
import { type AuditEventDetails, auditEventMessage } from '../../../protocol/messages/audit-event.ts'
import { offerMessage } from '../../../protocol/messages/offer.ts'
import { type ProviderFrame, providerFrameMessage } from '../../../protocol/messages/provider-frame.ts'
import { requesterFrameMessage } from '../../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../../protocol/messages/task-request.ts'
import { createRecord, openRecord } from '../../../protocol/signed.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { Rogue, type RogueStream } from '../../helpers/rogue.ts'
import { waitUntil } from '../../helpers/wait.ts'

const LONG_ANSWER = JSON.stringify({
  ...{ type: 'array', items: { enum: ['shoal'] }, minItems: 60, maxItems: 60 },
})
/** Which a rogue has done well before. */
const TASKS_BEFORE = 60
const REGIONS = ['eu-de', 'eu-fr'] as const
const regionOf = ({ candidate }: Extract<TaskEvent, { type: 'chosen' }>) => candidate.offer!.offer.region
const prefer = (preferences: Partial<Preferences>) => ({
  preferences: { ...DEFAULT_PREFERENCES, ...preferences },
})
const typed = <T extends TaskEvent['type']>(events: TaskEvent[], type: T) =>
  events.filter((event): event is Extract<TaskEvent, { type: T }> => event.type === type)

describe('a task on the market', () => {
  const network = new TestNetwork()
  let providers: TestNode[]
  let requester: TestNode
  const rogues: Rogue[] = []
  const gone: string[] = []

  before(async () => {
    await network.start()
    requester = await network.node({
      ...{ 'models.serve': '', 'spending.limitPerDay': '100', 'task.hedgePercent': 0 },
    })
    const flags = { 'p2p.bootstrap': requester.address, 'models.slots': 1, 'price.spotNotice': '10ms' }
    providers = await Promise.all([
      network.node({ ...flags, 'offer.region': REGIONS[0] }),
      network.node({ ...flags, 'offer.region': REGIONS[1] }),
    ])
    await requester.knows(...providers)
  })
  afterEach(async () => {
    await Promise.all(rogues.splice(0).map(rogue => rogue.stop()))
    await leaveAlone(requester)
  })
  after(() => network.stop())

  /** All a node has signed away. */
  const paidBy = ({ node }: TestNode) =>
    node.trade.economy.payer.list().reduce((sum, { cumulative }) => sum + cumulative, 0n)

  /** Rogues that are gone are so for good, though their offers are still told. */
  async function leaveAlone({ node }: TestNode): Promise<void> {
    for (const key of gone) for (let i = 0; i < 4; i++) await node.parts.reputation.penalise(key, 'bad_frame')
  }

  /** Somebody else who asks. */
  async function another(): Promise<TestNode> {
    const node = await network.node({ 'models.serve': '', 'p2p.bootstrap': requester.address })
    await leaveAlone(node)
    await node.knows(...providers)
    return node
  }

  /** A peer that a node trusts more than the honest ones, offers the same and does as it likes. */
  async function rogue(
    by: TestNode,
    converse: (
      stream: RogueStream,
      say: (frame: ProviderFrame) => void,
      request: TaskRequest,
    ) => Promise<void>,
  ) {
    const peer = await Rogue.start()
    rogues.push(peer)
    gone.push(peer.key)
    const { offer } = providers[0]!.node.trade.offers!.current()!
    const record = createRecord(
      offerMessage,
      { ...offer, wallet: `0x${randomBytes(20).toString('hex')}`, addresses: [peer.address] },
      peer.signer,
    )
    await peer.serve(offersProtocol.id, async stream => {
      await stream.read()
      const records = [{ offer: record.bytes, update: null }]
      stream.write(encodeMessage(offersProtocol.response, { records }))
    })
    await peer.serve(taskProtocol.id, async stream => {
      const request = decodeMessage(requesterFrameMessage, (await stream.read())!)
      assert.equal(request.kind, 'request')
      await converse(stream, frame => stream.write(encodeMessage(providerFrameMessage, frame)), request)
    })
    await peer.meet(by.address)
    const { book, reputation } = by.node.parts
    await waitUntil('its offer is known', () => book.of(peer.key) !== null)
    for (let task = 0; task < TASKS_BEFORE; task++) await reputation.observe(peer.key, 'completed')
    return peer
  }

  /** Asks until a certain provider is chosen first: now and then the market tries out another. */
  async function askOf(key: string, by: TestNode, options: Partial<AskOptions>) {
    for (;;) {
      const events: TaskEvent[] = []
      const result = await by.ask('What is Shoal?', options, event => events.push(event))
      if (typed(events, 'chosen')[0]?.candidate.provider === key) return { events, result }
    }
  }

  it('is done alike by distinct operators in the SLA class A, each paid for its part', async () => {
    const before = paidBy(requester)
    const events: TaskEvent[] = []
    const result = await requester.ask('What is Shoal?', prefer({ slaClass: 'A' }), event =>
      events.push(event),
    )
    assert.equal(result.status, 'completed')
    assert.deepEqual([...result.agreed].sort(), providers.map(({ key }) => key).sort())
    assert.equal(result.attempts, 2)
    assert.equal(
      typed(events, 'output')
        .map(({ text }) => text)
        .join(''),
      result.text,
    )
    assert.equal(result.paid, paidBy(requester) - before)
    const single = await requester.ask('What is Shoal?')
    assert.equal(single.text, result.text)
  })

  it('is decided by the majority when one of them answers differently, and that counts against it', async () => {
    const liar = await rogue(requester, async (stream, say, { taskId, attempt }) => {
      say({ kind: 'accepted', promptTokens: 5, creditWindowTokens: 16, voucher: null })
      const randomSalt = () => `0x${randomBytes(32).toString('hex')}` as const
      const output = new SealedOutput({ provider: liar.key, taskId, attempt, position: 0 }, { randomSalt })
      const [sealed] = output.add([1, 2, 3, 4], 'I am a liar')
      say(sealed!)
      for (;;) {
        const bytes = await stream.read()
        const frame = bytes === null ? null : decodeMessage(requesterFrameMessage, bytes)
        if (frame === null) break
        if (frame.kind === 'open') say(output.open(frame.window)!)
      }
    })
    const before = requester.node.parts.reputation.score(liar.key)
    const { events, result } = await askOf(liar.key, requester, prefer({ slaClass: 'A' }))
    assert.deepEqual([...result.agreed].sort(), providers.map(({ key }) => key).sort())
    const [disagreement] = typed(events, 'disagreement')
    assert.deepEqual(disagreement?.dissenting, [liar.key])
    assert.ok(!result.text.includes('liar'))
    assert.equal(
      typed(events, 'output')
        .map(({ text }) => text)
        .join(''),
      result.text,
    )
    assert.ok(requester.node.parts.reputation.score(liar.key).score < before.score)
    // Nobody has a stake.
    await assert.rejects(
      requester.ask('What is Shoal?', prefer({ slaClass: 'S' })),
      (error: unknown) => error instanceof TaskError && error.code === 'NOTHING_FITS',
    )
  })

  it('is nothing for a copier: it has to be bound before others show theirs, and to what it then shows', async () => {
    const asker = await another()
    // What it knows too late: the others' answer, from wherever.
    const truth = { tokens: [] as number[], text: '' }
    const alone = await asker.ask('What is Shoal?', {}, event => {
      if (event.type === 'output') truth.tokens.push(...event.tokens)
    })
    const randomSalt = () => `0x${randomBytes(32).toString('hex')}` as const
    const copying = async (isPatient: boolean, hasShown: () => boolean) => {
      const copier = await rogue(asker, async (stream, say, { taskId, attempt }) => {
        say({ kind: 'accepted', promptTokens: 5, creditWindowTokens: 64, voucher: null })
        const output = new SealedOutput(
          { provider: copier.key, taskId, attempt, position: 0 },
          { randomSalt },
        )
        if (isPatient) await waitUntil('others have shown theirs', hasShown)
        const tokens = isPatient ? truth.tokens.slice(0, 4) : [1, 1, 1, 1]
        say(output.add(tokens, 'whatever')[0]!)
        for (;;) {
          const bytes = await stream.read()
          const frame = bytes === null ? null : decodeMessage(requesterFrameMessage, bytes)
          if (frame === null) break
          if (frame.kind !== 'open') continue
          say({ ...output.open(frame.window)!, tokens: truth.tokens.slice(0, 4), text: alone.text })
        }
      })
      return copier
    }
    for (const isPatient of [false, true]) {
      let shown = 0
      const copier = await copying(isPatient, () => shown > 0)
      const { wallet } = asker.node.parts.book.of(copier.key)!.offer
      for (;;) {
        const events: TaskEvent[] = []
        shown = 0
        const { text, agreed } = await asker.ask('What is Shoal?', prefer({ slaClass: 'A' }), event => {
          events.push(event)
          if (event.type === 'output') shown++
        })
        assert.equal(text, alone.text)
        assert.deepEqual([...agreed].sort(), providers.map(({ key }) => key).sort())
        if (typed(events, 'chosen').some(({ candidate }) => candidate.provider === copier.key)) break
      }
      const results = (await asker.node.parts.reputation.recentEvidence(copier.key)).flatMap(piece =>
        piece.kind === 'task' && piece.result !== 'completed' ? [piece.result] : [],
      )
      assert.deepEqual(results, [isPatient ? 'stalled' : 'dishonest'])
      const price = asker.node.parts.book.of(copier.key)!.offer.models[0]!
      const paid = asker.node.trade.economy.payer
        .list()
        .filter(({ payee }) => payee === wallet)
        .reduce((sum, { cumulative }) => sum + cumulative, 0n)
      assert.ok(paid <= owedFor(price, { promptTokens: 5, outputTokens: 0 }), 'nothing but the prompt')
      await leaveAlone(asker)
      await copier.stop()
    }
  })

  it('is given to a second provider while the first says nothing, within the price cap', async () => {
    const hedger = await another()
    // On a busy machine tasks before it would be hedged, too, and use up how often that may be.
    hedger.choosesByScore()
    const mute = await rogue(hedger, async stream => {
      await stream.read()
      await stream.read()
    })
    const maxPrice = 10n ** 16n
    const { events, result } = await askOf(mute.key, hedger, { maxPrice })
    assert.equal(result.status, 'completed')
    assert.notEqual(result.provider, mute.key)
    assert.equal(typed(events, 'hedged').length, 1)
    assert.equal(typed(events, 'failover').length, 0)
    assert.ok(result.paid <= maxPrice)
    // It did not even answer to being told to stop.
    assert.equal(hedger.node.parts.reputation.score(mute.key).tasks, TASKS_BEFORE + 1)
  })

  it('in spot mode makes room with notice, and goes on elsewhere without blame', async () => {
    const other = await another()
    // With its channels open, it is there before the spot task ends.
    for (const region of REGIONS) await other.ask('Hello!', prefer({ region }))
    const { reputation } = requester.node.parts
    const tasksBefore = new Map(providers.map(({ key }) => [key, reputation.score(key).tasks]))
    const events: TaskEvent[] = []
    let paid: Promise<unknown> | null = null
    const result = await requester.ask(
      'What is Shoal?',
      { ...prefer({ mode: 'spot' }), jsonSchema: LONG_ANSWER, maxTokens: 600 },
      event => {
        events.push(event)
        const [chosen] = typed(events, 'chosen')
        if (event.type === 'output') paid ??= other.ask('Hello!', prefer({ region: regionOf(chosen!) }))
      },
    )
    assert.deepEqual(JSON.parse(result.text), Array<string>(60).fill('shoal'))
    const [first, second] = typed(events, 'chosen').map(({ candidate }) => candidate.provider)
    assert.deepEqual(
      typed(events, 'failover').map(({ from, why }) => [from, why]),
      [[first, 'preempted']],
    )
    assert.equal(typed(events, 'notice').length, 1)
    assert.notEqual(first, second)
    assert.equal(result.provider, second)
    assert.equal(reputation.score(first!).tasks, tasksBefore.get(first!))
    await paid
  })

  it('has who agrees with a proven operator known for it, which is on record', async () => {
    const other = await another()
    const { reputation, eventLog } = other.node.parts
    const [proven, stranger] = providers.map(({ key }) => key) as [string, string]
    for (let audit = 0; audit < 3; audit++) await reputation.observe(proven, { kind: 'audit', passed: true })
    const { taskId } = await other.ask('Hello!', prefer({ slaClass: 'A' }))
    const compared = async (key: string) =>
      (await reputation.recentEvidence(key)).filter(({ kind }) => kind === 'comparison').length
    assert.deepEqual([await compared(stranger), await compared(proven)], [1, 0])
    const logged: AuditEventDetails[] = []
    for await (const { record } of eventLog.read(1, eventLog.lastSequence))
      logged.push(openRecord(auditEventMessage, record, () => true).body.event)
    const event = logged.find(({ kind }) => kind === 'answers.compared')
    assert.ok(event?.kind === 'answers.compared' && event.taskId === taskId && event.tokens > 0)
    assert.deepEqual([event.agreed, event.differed], [[stranger], []])
  })

  it('ends at its deadline with what has come', async () => {
    const events: TaskEvent[] = []
    const result = await requester.ask(
      'What is Shoal?',
      { ...prefer({ deadlineMs: 600 }), jsonSchema: LONG_ANSWER, maxTokens: 600 },
      event => events.push(event),
    )
    assert.deepEqual([result.status, result.reason], ['expired', 'deadline'])
    assert.equal(
      typed(events, 'output')
        .map(({ text }) => text)
        .join(''),
      result.text,
    )
    await assert.rejects(
      requester.ask('What is Shoal?', prefer({ deadlineMs: 1 })),
      (error: unknown) =>
        error instanceof TaskError && ['DEADLINE_PASSED', 'NOTHING_FITS'].includes(error.code),
    )
  })
})
