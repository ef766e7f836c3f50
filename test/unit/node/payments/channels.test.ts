import assert from 'node:assert/strict'
import fc from 'fast-check'
import { PaymentError, PaymentRefusal } from '../../../../node/payments/errors.ts'
import { SessionKey, sessionPrivateKey } from '../../../../node/payments/vouchers.ts'
import { settle } from '../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import {
  CHANNEL_DEPOSIT,
  ChannelWorld,
  MIN_REMAINING_MS,
  PAYEE,
  type Payment,
  payerWallet,
  REQUESTER,
  type WorldTask,
} from './channel-world.ts'
import type { Fate } from './memory-settlement.ts'
import { badSignatures } from './signatures.ts'

const RUNS = 40

/** One move of an honest world; the numbers choose among the tasks there are. */
type Move =
  | { kind: 'request'; needed: bigint; fate: Fate }
  | { kind: 'admit' | 'accept' | 'deliver' | 'finish' | 'drop'; task: number }
  | { kind: 'pay'; task: number; share: number }
  | { kind: 'restartPayer' | 'restartPayee' | 'pollPayer' | 'pollPayee' | 'settle' }

const task = fc.nat(7)
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Fate>('confirmed') },
  { weight: 1, arbitrary: fc.constantFrom<Fate>('reverted', 'rejected', 'lost before', 'lost after') },
)
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('request' as const), needed: fc.bigInt(1n, 700n), fate }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constantFrom('admit' as const, 'accept' as const, 'deliver' as const),
      task,
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('pay' as const),
      task,
      share: fc.integer({ min: 1, max: 100 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('finish' as const, 'drop' as const), task }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('pollPayer' as const, 'pollPayee' as const, 'settle' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('restartPayer' as const, 'restartPayee' as const) }),
  },
)

async function make(world: ChannelWorld, next: Move): Promise<void> {
  switch (next.kind) {
    case 'request':
      await world.request(next.needed, next.fate)
      return
    case 'restartPayer':
    case 'restartPayee':
    case 'pollPayer':
    case 'pollPayee':
      await world[next.kind]()
      return
    case 'settle':
      world.settle()
      return
  }
  const fits = {
    admit: world.tasks.filter(({ payee }) => payee === null),
    accept: world.tasks.filter(({ accepted, isRunning }) => accepted !== null && !isRunning),
    pay: world.tasks.filter(({ isRunning, lease, needed }) => isRunning && lease.paid < needed),
    deliver: world.tasks.filter(({ travelling }) => travelling.length > 0),
    finish: world.tasks.filter(({ isRunning }) => isRunning),
    drop: world.tasks,
  }[next.kind]
  const chosen = fits[next.task % fits.length]
  if (chosen === undefined) return
  if (next.kind === 'pay') {
    const left = chosen.needed - chosen.lease.paid
    const more = (left * BigInt(next.share)) / 100n
    await world.pay(chosen, more > 0n ? more : 1n)
  } else if (next.kind === 'drop') world.drop(chosen)
  else await world[next.kind](chosen)
}

const THIEF = 'ee'.repeat(32)
const refused = (code: string) => (error: unknown) => error instanceof PaymentRefusal && error.code === code

describe('the two sides of a channel', () => {
  const folders = new TemporaryFolders()
  const worlds: ChannelWorld[] = []
  afterEach(async () => {
    await Promise.all(worlds.splice(0).map(world => world.stop()))
    await folders.remove()
  })

  async function makeWorld(...limits: [limitPerDay?: bigint, balance?: bigint]): Promise<ChannelWorld> {
    const world = await ChannelWorld.make(await folders.make(), ...limits)
    worlds.push(world)
    return world
  }

  async function runningTask(world: ChannelWorld, needed: bigint): Promise<WorldTask> {
    const made = await world.request(needed)
    assert.ok(made !== null)
    await world.admit(made)
    await world.accept(made)
    return made
  }

  it('agree through any history of honest moves, and can always go on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 20, maxLength: 60 }), async moves => {
        const world = await makeWorld()
        for (const next of moves) {
          await make(world, next)
          world.check()
        }
        for (const left of [...world.tasks]) {
          if (left.isRunning) await world.finish(left)
          else world.drop(left)
        }
        await world.wholeTask(600n)
        world.check()
        await world.pollPayee()
        world.settle()
        assert.equal(world.ledger.earned, world.asked, 'all that was signed can be claimed')
        await worlds.pop()!.stop()
      }),
      {
        numRuns: RUNS,
        examples: [
          // A voucher arrives in a request before the task it pays for has said so: its money is not set aside twice.
          [
            [
              { kind: 'request', needed: 478n, fate: 'confirmed' },
              { kind: 'admit', task: 0 },
              { kind: 'accept', task: 0 },
              { kind: 'pay', task: 0, share: 35 },
              { kind: 'request', needed: 500n, fate: 'confirmed' },
              { kind: 'admit', task: 0 },
            ],
          ],
        ],
      },
    )
  })

  it('keep the money of a channel from others, who name it and show what they find', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { minLength: 10, maxLength: 40 }),
        fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
        async (moves, picks) => {
          const world = await makeWorld()
          const lease = await world.request(500n)
          await world.admit(lease!)
          await world.accept(lease!)
          await world.pay(lease!, 100n)
          for (const [index, next] of moves.entries()) {
            await make(world, next)
            if (index % 5 !== 0) continue
            // Everything signed so far is public once it is settled.
            const channelId = [...world.ledger.channels.keys()][0]!
            const shown = world.signed[picks[index % picks.length]! % world.signed.length]!
            const isPublic = shown.cumulativeAmount <= world.ledger.channels.get(channelId)!.claimed
            const stolen = await world.payee.admit({
              channelId,
              payer: payerWallet.address,
              requester: THIEF,
              voucher: isPublic ? shown : null,
            })
            await stolen.reserve(1n).catch(() => {})
            const payment = isPublic
              ? { ...shown, taskAmount: 1n }
              : { cumulativeAmount: 0n, taskAmount: 1n, signature: `0x${'00'.repeat(65)}` }
            await assert.rejects(stolen.pay(payment), refused('voucher_invalid'))
            const voucher = stolen.voucher()
            if (voucher !== null)
              await assert.rejects(stolen.pay({ ...voucher, taskAmount: 1n }), refused('voucher_invalid'))
            assert.equal(stolen.paid, 0n)
            world.check()
          }
          await world.restartPayer()
          await world.wholeTask(400n)
          world.check()
          await worlds.pop()!.stop()
        },
      ),
      { numRuns: RUNS / 2 },
    )
  })

  it('do not let others hold the money of a channel back by asking in its name', async () => {
    const world = await makeWorld()
    await world.wholeTask(100n)
    const [channelId] = world.ledger.channels.keys()
    const stranger = await world.payee.admit({
      channelId: channelId!,
      payer: payerWallet.address,
      requester: THIEF,
      voucher: null,
    })
    await stranger.reserve(900n)
    await world.wholeTask(900n)
    assert.equal(world.ledger.channels.size, 1)
    world.check()
  })

  it('can be set apart from tasks for ever, unless tasks have used them', async () => {
    const world = await makeWorld()
    const made = (await world.request(100n))!
    await world.pollPayee()
    const { channelId } = made.lease
    await assert.rejects(
      world.payee.keep(channelId, { cumulativeAmount: 5n, signature: '0x' }),
      refused('channel_unknown'),
    )
    assert.equal((await world.payee.dedicate(channelId)).deposit, CHANNEL_DEPOSIT)
    await world.payee.dedicate(channelId)
    const admit = () =>
      world.payee.admit({ channelId, payer: payerWallet.address, requester: REQUESTER, voucher: null })
    await assert.rejects(admit(), refused('channel_unknown'))
    await world.restartPayee()
    await assert.rejects(admit(), refused('channel_unknown'))
    const domain = {
      chainId: world.ledger.client().chainId,
      settlement: world.ledger.client().addresses.settlement,
    }
    const privateKey = sessionPrivateKey(payerWallet.privateKey, channelId)
    const key = new SessionKey({ privateKey, channelId, domain })
    const voucher = { cumulativeAmount: 7n, signature: key.sign(7n) }
    await world.payee.keep(channelId, voucher)
    await world.payee.keep(channelId, { cumulativeAmount: 6n, signature: key.sign(6n) })
    await assert.rejects(
      world.payee.keep(channelId, { ...voucher, cumulativeAmount: 8n }),
      refused('voucher_invalid'),
    )
    assert.deepEqual(
      world.payee
        .claimable(0n)
        .map(({ cumulative, signature }) => ({ cumulativeAmount: cumulative, signature })),
      [voucher],
    )
    assert.equal((await world.payee.find(channelId)).cumulative, 7n)
    assert.equal((await world.payee.refresh(channelId)).deposit, CHANNEL_DEPOSIT)
    assert.ok(world.payee.knows(channelId))
    const unknown = `0x${'0b'.repeat(32)}`
    assert.ok(!world.payee.knows(unknown))
    await assert.rejects(world.payee.dedicate(unknown), refused('channel_unknown'))

    const other = await makeWorld()
    const task = await runningTask(other, 100n)
    await assert.rejects(other.payee.dedicate(task.lease.channelId), refused('channel_low'))
    await other.pay(task, 10n)
    await other.deliver(task)
    await other.finish(task)
    await other.restartPayee()
    await assert.rejects(other.payee.dedicate(task.lease.channelId), refused('channel_low'))
    other.clock.jump(30 * 86_400_000)
    await assert.rejects(other.payee.dedicate(task.lease.channelId), refused('channel_ending'))
  })

  it('take nothing that is forged, replayed, foreign or beyond the deposit, and lose nothing by it', async () => {
    const world = await makeWorld()
    const honest = await runningTask(world, 400n)
    await world.pay(honest, 50n)
    await world.deliver(honest)
    const { channelId } = honest.lease
    const domain = { chainId: world.ledger.chainId, settlement: world.ledger.addresses.settlement }
    const keyOf = (id: string) =>
      new SessionKey({
        privateKey: sessionPrivateKey(payerWallet.privateKey, id),
        channelId: id,
        domain,
      })
    const elsewhere = `0x${'77'.repeat(32)}`
    const before = world.payee.list()
    const cheats: [string, Payment][] = [
      ['no signature', { cumulativeAmount: 60n, taskAmount: 60n, signature: `0x${'00'.repeat(65)}` }],
      [
        'a signature for another amount',
        { cumulativeAmount: 61n, taskAmount: 61n, signature: keyOf(channelId).sign(60n) },
      ],
      [
        'a voucher of another channel',
        { cumulativeAmount: 60n, taskAmount: 60n, signature: keyOf(elsewhere).sign(60n) },
      ],
      [
        'more than the channel holds',
        {
          cumulativeAmount: CHANNEL_DEPOSIT + 1n,
          taskAmount: 60n,
          signature: keyOf(channelId).sign(CHANNEL_DEPOSIT + 1n),
        },
      ],
      ['an old voucher for more', { ...world.signed[0]!, taskAmount: 51n }],
      ['nothing but a claim', { cumulativeAmount: 0n, taskAmount: 400n, signature: `0x${'00'.repeat(65)}` }],
    ]
    for (const [what, payment] of cheats) {
      await assert.rejects(honest.payee!.pay(payment), refused('voucher_invalid'), what)
      assert.equal(honest.payee!.paid, 50n, what)
      assert.deepEqual(world.payee.list(), before, what)
    }
    for (const [what, signature] of badSignatures(keyOf(channelId).sign(70n))) {
      await assert.rejects(
        honest.payee!.pay({ cumulativeAmount: 70n, taskAmount: 70n, signature }),
        refused('voucher_invalid'),
        what,
      )
    }
    await assert.rejects(
      world.payee.admit({
        channelId,
        payer: `0x${'12'.repeat(20)}`,
        requester: REQUESTER,
        voucher: null,
      }),
      refused('channel_unknown'),
    )
    await assert.rejects(
      world.payee.admit({
        channelId: elsewhere,
        payer: payerWallet.address,
        requester: REQUESTER,
        voucher: null,
      }),
      refused('channel_unknown'),
    )
    await world.pay(honest, 350n)
    await world.finish(honest)
    await world.wholeTask(100n)
    world.check()
  })

  it('count a payment only once, whatever order payments of several tasks arrive in', async () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(order, async arrivals => {
        const world = await makeWorld()
        const tasks = await Promise.all([0, 1, 2].map(() => runningTask(world, 200n)))
        for (const pays of [0, 1]) for (const paying of tasks) await world.pay(paying, 40n + BigInt(pays))
        for (const arrival of arrivals) {
          await world.deliver(tasks[arrival % 3]!)
          world.check()
        }
        for (const { payee } of tasks) assert.equal(payee!.paid, 81n)
        assert.equal(world.counted, 243n)
        await worlds.pop()!.stop()
      }),
      { numRuns: 20 },
    )
  })

  it('mean the same by what is owed on the channel, beside tasks of any kind', async () => {
    const world = await makeWorld()
    const cut = await runningTask(world, 100n)
    await world.pay(cut, 30n)
    // This payment never arrives by itself; the next task's request has its voucher.
    world.drop(cut)
    const [done, beside, silent] = [
      await runningTask(world, 200n),
      await runningTask(world, 200n),
      await runningTask(world, 200n),
    ]
    await world.pay(done, 50n)
    await world.deliver(done)
    await world.pay(beside, 70n)
    await world.deliver(beside)
    assert.equal(done.payee!.cumulativeFor(60n), 30n + 50n + 70n + 10n)
    assert.equal(silent.payee!.cumulativeFor(60n), 30n + 50n + 70n + 60n)
    for (const { payee, lease } of [done, beside, silent])
      assert.equal(payee!.cumulativeFor(60n), lease.cumulativeFor(60n))
    // Overtaken by the other's voucher, a payment on its way is not counted twice.
    await world.pay(done, 5n)
    await world.pay(beside, 5n)
    await world.deliver(beside)
    assert.equal(done.payee!.cumulativeFor(55n), 160n)
    assert.equal(done.lease.cumulativeFor(55n), 160n)
    world.check()
  })

  it('find all again when the payer has lost its database', async () => {
    const world = await makeWorld()
    await world.wholeTask(300n)
    await world.pollPayee()
    world.settle()
    await world.wholeTask(200n)
    const [channelId] = world.ledger.channels.keys()
    await world.forgetPayer()
    // The chain tells of the channel and of what was claimed; the payee of what it holds beyond that.
    assert.equal(world.payer.list()[0]?.cumulative, 300n)
    const next = await world.request(100n)
    assert.equal(next!.lease.channelId, channelId)
    await world.admit(next!)
    await world.accept(next!)
    assert.equal(world.payer.list()[0]?.cumulative, 500n)
    await world.pay(next!, 100n)
    await world.finish(next!)
    assert.equal(world.payee.list()[0]?.cumulative, 600n)
    world.check()
  })

  it('find all again when the payee has lost its database', async () => {
    const world = await makeWorld()
    await world.wholeTask(300n)
    await world.pollPayee()
    world.settle()
    await world.wholeTask(200n)
    await world.forgetPayee()
    const next = await world.request(100n)
    await world.admit(next!)
    assert.equal(world.payee.list()[0]?.cumulative, 500n, 'the request shows the newest voucher')
    await world.accept(next!)
    await world.pay(next!, 100n)
    await world.finish(next!)
    world.settle()
    assert.equal(world.ledger.earned, 600n)
    world.check()
  })

  it('keep others from the wallet while they are funded from it', async () => {
    const world = await makeWorld()
    const opening = world.request(100n)
    const apart = world.payer.apart(async () => world.payer.list()[0]?.state)
    assert.equal(await apart, 'open')
    await opening
  })

  it('add nothing to a channel in which enough comes back before they get to it', async () => {
    const world = await makeWorld()
    const wish = { payee: PAYEE, minRemainingMs: MIN_REMAINING_MS, reliability: 0 }
    const first = await world.payer.acquire({ ...wish, needed: 100n })
    const { deposit } = world.payer.list()[0]!
    const rest = await world.payer.acquire({ ...wish, needed: deposit - 100n })
    const gate = Promise.withResolvers<void>()
    const apart = world.payer.apart(() => gate.promise)
    const acquiring = world.payer.acquire({ ...wish, needed: 50n })
    await settle()
    first.release()
    gate.resolve()
    await apart
    const lease = await acquiring
    assert.equal(world.payer.list()[0]!.deposit, deposit)
    lease.release()
    rest.release()
  })

  it('hand out no voucher, and count none, that is not on disk', async () => {
    const world = await makeWorld()
    const paying = await runningTask(world, 400n)
    const gate = world.gatePayer()
    let isHandedOut = false
    const signing = world.pay(paying, 10n).then(() => {
      isHandedOut = true
    })
    await gate.reached
    await settle()
    assert.equal(isHandedOut, false)
    gate.open()
    await signing
    const counting = world.gatePayee()
    const arriving = world.deliver(paying)
    await counting.reached
    await settle()
    assert.equal(paying.payee!.paid, 0n)
    counting.open()
    await arriving
    assert.equal(paying.payee!.paid, 10n)
  })

  it('log the end of a channel once, however often the chain tells it', async () => {
    const world = await makeWorld()
    await world.wholeTask(100n)
    await world.pollPayee()
    world.settle()
    await world.pollPayer()
    world.ledger.close([...world.ledger.channels.keys()][0]!)
    await world.pollPayer()
    await world.pollPayee()
    const told = await world.payerEvents()
    assert.equal(told.filter(({ kind }) => kind === 'channel.closed').length, 1)
    // A crash before the place it has read to is on disk makes the watcher tell all again.
    await world.restartPayer()
    world.rewind()
    await world.pollPayer()
    await world.pollPayee()
    assert.deepEqual(
      (await world.payerEvents()).map(({ kind }) => kind),
      told.map(({ kind }) => kind),
    )
    assert.deepEqual(
      world.payer.list().map(({ state, deposit, claimed }) => [state, deposit, claimed]),
      [['closed', CHANNEL_DEPOSIT, 100n]],
    )
    assert.deepEqual(
      world.payee.list().map(({ state, deposit, claimed }) => [state, deposit, claimed]),
      [['closed', CHANNEL_DEPOSIT, 100n]],
    )
  })

  it('keep to the spending limit through any history, and count what was not spent as left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 50 }), async moves => {
        const limit = 3n * CHANNEL_DEPOSIT
        const world = await makeWorld(limit)
        for (const next of moves) {
          await make(world, next).catch(error => {
            assert.ok(error instanceof PaymentError && error.code === 'SPENDING_LIMIT', String(error))
          })
          world.check()
          const locked = [...world.ledger.channels.values()].reduce((sum, { deposit }) => sum + deposit, 0n)
          assert.ok(locked <= limit)
        }
        await world.restartPayer()
        await world.untilFunded()
        const locked = [...world.ledger.channels.values()].reduce((sum, { deposit }) => sum + deposit, 0n)
        assert.equal(world.spending.remaining(), limit - locked)
        await worlds.pop()!.stop()
      }),
      { numRuns: RUNS },
    )
  })
})
