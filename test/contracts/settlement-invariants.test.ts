import assert from 'node:assert/strict'
import { MaxUint256, toBeHex, type Wallet } from 'ethers'
import fc from 'fast-check'
import { type ModelVoucher, Refused, SettlementModel } from './settlement-model.ts'
import {
  alice,
  bob,
  CLOSE_DELAY,
  carol,
  DAY,
  deployer,
  deployShoal,
  pauser,
  Revert,
  type Shoal,
  session,
} from './test-chain.ts'
import { malleated, type SignedVoucher, signClose, signVoucher } from './vouchers.ts'

const ACTORS = [alice, bob, carol]
const TOKENS_EACH = 300n
/** Older vouchers are no longer shown, so that most steps concern what is still open. */
const RECENT_VOUCHERS = 12
const RUNS = Number(process.env.SHOAL_INVARIANT_RUNS ?? 25)

const actor = fc.nat({ max: ACTORS.length - 1 })
const amount = fc.bigInt({ min: 0n, max: 60n })
/** One of the channels opened so far, now and then one that is not there. */
const channel = fc.oneof(
  { weight: 20, arbitrary: fc.nat({ max: 999 }) },
  { weight: 1, arbitrary: fc.constant(-1) },
)
const role = fc.oneof(
  { weight: 4, arbitrary: fc.constant('payer' as const) },
  { weight: 4, arbitrary: fc.constant('payee' as const) },
  { weight: 1, arbitrary: fc.constant('stranger' as const) },
)
const mostly = fc.constantFrom(true, true, true, false)
const forgery = fc.constantFrom('signer', 'malleable', 'chain', 'contract', 'channel', 'amount', 'garbage')

const steps = {
  deposit: fc.record({ do: fc.constant('deposit' as const), from: actor, to: actor, amount }),
  withdraw: fc.record({ do: fc.constant('withdraw' as const), from: actor, to: actor, amount }),
  open: fc.record({
    do: fc.constant('open' as const),
    // Few channels, so that closed ones are tried again.
    payer: fc.constantFrom(0, 1),
    payee: fc.constantFrom(1, 2),
    salt: fc.constantFrom(0, 0, 0, 1),
    amount,
    pull: fc.boolean(),
    lifetime: fc.constantFrom(...[-1, 0, 1, 2 * CLOSE_DELAY, 30 * DAY].map(more => CLOSE_DELAY + more)),
  }),
  topUp: fc.record({ do: fc.constant('topUp' as const), channel, role, amount, pull: fc.boolean() }),
  sign: fc.record({ do: fc.constant('sign' as const), channel, amount }),
  forge: fc.record({ do: fc.constant('forge' as const), channel, amount, forgery }),
  settle: fc.record({
    do: fc.constant('settle' as const),
    picks: fc.array(fc.nat({ max: 999 }), { minLength: 1, maxLength: 6 }),
  }),
  close: fc.record({
    do: fc.constantFrom('startClose' as const, 'finishClose' as const, 'closeByPayee' as const),
    channel,
    role,
  }),
  agree: fc.record({
    do: fc.constant('agree' as const),
    channel,
    role,
    amount,
    byPayee: mostly,
    bySigner: mostly,
    inSeconds: fc.constantFrom(-1, 0, 0, 0, CLOSE_DELAY),
  }),
  pausing: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const, 'resume' as const) }),
  wait: fc.record({
    do: fc.constant('wait' as const),
    seconds: fc.constantFrom(1, CLOSE_DELAY - 1, CLOSE_DELAY, 7 * DAY),
  }),
}
const step = fc.oneof(
  { weight: 2, arbitrary: steps.deposit },
  { weight: 1, arbitrary: steps.withdraw },
  { weight: 4, arbitrary: steps.open },
  { weight: 2, arbitrary: steps.topUp },
  { weight: 4, arbitrary: steps.sign },
  { weight: 2, arbitrary: steps.forge },
  { weight: 5, arbitrary: steps.settle },
  { weight: 4, arbitrary: steps.close },
  { weight: 2, arbitrary: steps.agree },
  { weight: 1, arbitrary: steps.pausing },
  { weight: 2, arbitrary: steps.wait },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

interface Opened {
  id: string
  payer: Wallet
  payee: Wallet
}

/** Any sequence of steps, done to the contract and to the model, which must agree after each. */
class Run {
  readonly #shoal: Shoal
  readonly #model: SettlementModel
  readonly #opened = new Map<string, Opened>()
  readonly #vouchers: { signed: SignedVoucher; model: ModelVoucher }[] = []

  constructor(shoal: Shoal) {
    this.#shoal = shoal
    this.#model = new SettlementModel(() => shoal.chain.now)
    for (const { address } of ACTORS) this.#model.tokens.set(address, TOKENS_EACH)
  }

  async do(step: Step): Promise<void> {
    const { chain, settlement } = this.#shoal
    const model = this.#model
    switch (step.do) {
      case 'deposit':
      case 'withdraw': {
        const { do: name, amount } = step
        const [source, target] = [ACTORS[step.from]!, ACTORS[step.to]!.address]
        return await this.#both(
          () => settlement.send(source, name, target, amount),
          () => model[name](source.address, target, amount),
        )
      }
      case 'open':
        return await this.#open(step)
      case 'topUp': {
        const channel = this.#pick(step.channel)
        const from = this.#actor(channel, step.role)
        return await this.#both(
          () => settlement.send(from, step.pull ? 'depositAndTopUp' : 'topUp', channel.id, step.amount),
          () => model.topUp(channel.id, from.address, step.amount, step.pull),
        )
      }
      case 'sign': {
        const { id } = this.#pick(step.channel)
        const signed = await signVoucher(this.#shoal, session, id, step.amount)
        this.#vouchers.push({ signed, model: { channel: id, amount: step.amount, genuine: true } })
        return model.sign(id, step.amount)
      }
      case 'forge':
        return await this.#forge(this.#pick(step.channel).id, step.amount, step.forgery)
      case 'settle':
        return await this.#settle(step.picks)
      case 'startClose':
      case 'finishClose':
      case 'closeByPayee': {
        const channel = this.#pick(step.channel)
        const from = this.#actor(channel, step.role)
        return await this.#both(
          () => settlement.send(from, step.do, channel.id),
          () => model[step.do](channel.id, from.address, chain.now),
        )
      }
      case 'agree':
        return await this.#agree(step)
      case 'pause':
      case 'resume':
        return await this.#both(
          () => settlement.send(pauser, `${step.do}Deposits`),
          () => model[step.do](),
        )
      case 'wait':
        chain.now += step.seconds
    }
  }

  /** Money in = money out + balances, to the unit, and nobody got more than was signed and locked. */
  async check(): Promise<void> {
    const { creditToken, settlement } = this.#shoal
    let owed = 0n
    for (const { address } of ACTORS) {
      const internal = await settlement.view('balanceOf', address)
      assert.equal(internal, this.#model.balances.get(address) ?? 0n)
      assert.equal(await creditToken.view('balanceOf', address), this.#model.tokens.get(address))
      owed += internal
    }
    for (const [id, model] of this.#model.channels) {
      const channel = await settlement.view<{ deposit: bigint; claimed: bigint }>('channelOf', id)
      const { deposit, claimed } = channel
      assert.equal(deposit, model.deposit)
      assert.equal(claimed, model.claimed)
      assert.ok(claimed <= (this.#model.signed.get(id) ?? 0n), 'paid more than was signed')
      assert.ok(claimed <= deposit, 'paid more than was locked')
      if (!model.closed) owed += deposit - claimed
    }
    assert.equal(await creditToken.view('balanceOf', settlement.address), owed)
    assert.equal(this.#model.held, owed)
  }

  async #settle(picks: readonly number[]): Promise<void> {
    const { settlement } = this.#shoal
    const recent = this.#vouchers.slice(-RECENT_VOUCHERS)
    const batch = recent.length === 0 ? [] : picks.map(pick => recent[pick % recent.length]!)
    const expected = this.#model.settle(batch.map(({ model }) => model))
    const { returned } = await settlement.send(
      deployer,
      'settleMany',
      batch.map(({ signed }) => signed),
    )
    const [total, outcomes] = returned as [bigint, bigint[]]
    assert.deepEqual([...outcomes], expected.outcomes)
    assert.equal(total, expected.total)
  }

  async #open({ payer, payee, salt, amount, pull, lifetime }: Extract<Step, { do: 'open' }>): Promise<void> {
    const { chain, settlement } = this.#shoal
    const [from, to] = [ACTORS[payer]!, ACTORS[payee]!]
    const saltHex = toBeHex(salt, 32)
    const id = await settlement.view<string>('channelIdOf', from.address, to.address, saltHex)
    const expiresAt = chain.now + lifetime
    const terms = { amount, expiresAt, now: chain.now, pull }
    await this.#both(
      () =>
        settlement.send(
          from,
          pull ? 'depositAndOpen' : 'open',
          to.address,
          session.address,
          saltHex,
          expiresAt,
          amount,
        ),
      () => this.#model.open(id, from.address, to.address, terms),
    )
    if (this.#model.channels.has(id)) this.#opened.set(id, { id, payer: from, payee: to })
  }

  async #agree({ channel, role, amount, ...how }: Extract<Step, { do: 'agree' }>): Promise<void> {
    const shoal = this.#shoal
    const opened = this.#pick(channel)
    const { id, payee } = opened
    const from = this.#actor(opened, role)
    const deadline = shoal.chain.now + how.inSeconds
    const offer = { channelId: id, finalAmount: amount, deadline }
    const offered = await signClose(shoal, how.byPayee ? payee : session, offer)
    const { signature } = await signVoucher(shoal, how.bySigner ? session : payee, id, amount)
    await this.#both(
      () => shoal.settlement.send(from, 'closeCooperatively', id, amount, deadline, offered, signature),
      () => this.#model.closeCooperatively(id, from.address, { ...how, amount, deadline }),
    )
  }

  #pick(pick: number): Opened {
    const opened = [...this.#opened.values()]
    if (pick === -1 || opened.length === 0) return { id: toBeHex(0xdeadn, 32), payer: alice, payee: bob }
    return opened[pick % opened.length]!
  }

  #actor(channel: Opened, role: 'payer' | 'payee' | 'stranger'): Wallet {
    return role === 'stranger' ? deployer : channel[role]
  }

  /** A voucher the channel's signer never signed, made from ones that somebody did. */
  async #forge(id: string, amount: bigint, how: string): Promise<void> {
    const shoal = this.#shoal
    const otherId = toBeHex(BigInt(id) ^ 1n, 32)
    const claim = { channelId: id, cumulativeAmount: amount }
    const genuine = await signVoucher(shoal, session, id, amount)
    const signatures: Record<string, () => Promise<string> | string> = {
      signer: async () => (await signVoucher(shoal, alice, id, amount)).signature,
      malleable: () => malleated(genuine.signature),
      chain: async () => (await signVoucher(shoal, session, id, amount, { chainId: 1 })).signature,
      contract: async () => {
        const verifyingContract = shoal.nodeRegistry.address
        return (await signVoucher(shoal, session, id, amount, { verifyingContract })).signature
      },
      channel: async () => (await signVoucher(shoal, session, otherId, amount)).signature,
      amount: async () => (await signVoucher(shoal, session, id, amount + 1n)).signature,
      garbage: () => `0x${'5a'.repeat(65)}`,
    }
    const signature = await signatures[how]!()
    const model = { channel: id, amount, genuine: false }
    this.#vouchers.push({ signed: { ...claim, signature }, model })
  }

  async #both(real: () => Promise<unknown>, model: () => void): Promise<void> {
    let refusal: string | undefined
    try {
      model()
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      refusal = error.message
    }
    const revert = await real().then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof Revert) return error.error
        throw error
      },
    )
    assert.equal(revert, refusal)
  }
}

async function fundedShoal(): Promise<Shoal> {
  const shoal = await deployShoal()
  const { creditToken, settlement } = shoal
  for (const wallet of ACTORS) {
    await creditToken.send(deployer, 'transfer', wallet.address, TOKENS_EACH)
    await creditToken.send(wallet, 'approve', settlement.address, MaxUint256)
  }
  return shoal
}

describe('Settlement, any sequence of calls', () => {
  it('agrees with its rules to the unit after every step', async function () {
    this.timeout(300_000)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), async steps => {
        const run = new Run(await fundedShoal())
        for (const one of steps) {
          await run.do(one)
          await run.check()
        }
      }),
      { numRuns: RUNS },
    )
  })
})
