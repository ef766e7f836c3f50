import assert from 'node:assert/strict'
import { AbiCoder, hexlify, keccak256, toBeHex, type Wallet, ZeroAddress, ZeroHash } from 'ethers'
import { answerOracleAbi } from '../../node/chain/abi/answer-oracle.ts'
import { answerOracleBytecode } from '../../node/chain/abi/bytecode/answer-oracle.ts'
import type { ContractReceipt } from '../../protocol/typed-data.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import {
  ANSWER,
  anchorReceipt,
  answerOracleFixture,
  MODEL,
  OUTPUT,
  REQUEST,
  type ReceiptProof,
  receiptOf,
} from './fixtures/answer-oracle.ts'
import {
  alice,
  bob,
  CLOSE_DELAY,
  CREDIT,
  carol,
  DAY,
  deployer,
  pauser,
  type Shoal,
  session,
  type TestContract,
} from './test-chain.ts'

const PRICE = 10n * CREDIT
const COST = 3n * CREDIT
const SALT = toBeHex(0x5a17n, 32)
const MAGIC = '0x1626ba7e'
const REFUSED = '0xffffffff'
/** As in IAnswerOracle. */
const STATUS = { none: 0n, open: 1n, answered: 2n, answeredAndClosed: 3n, unanswered: 4n }
/** As in IChannels. */
const CHANNEL = { open: 1n, closing: 2n, closed: 3n }

interface Asked {
  questionId: string
  channelId: string
  deadline: number
}

interface Question {
  asker: string
  price: bigint
  provider: string
  deadline: bigint
  status: bigint
  cost: bigint
  channelId: string
}

describe('AnswerOracle', () => {
  let shoal: Shoal
  let oracle: TestContract
  /** Answers in all tests. */
  const provider = bob

  beforeEach(async () => {
    const { oracle: deployed, ...others } = await answerOracleFixture([alice, carol])
    shoal = others
    oracle = deployed
  })

  const ask = (
    changes: { salt?: string; price?: bigint; deadline?: number; provider?: string; from?: Wallet } = {},
  ) =>
    oracle.send(
      changes.from ?? alice,
      'ask',
      changes.salt ?? SALT,
      changes.provider ?? provider.address,
      MODEL,
      REQUEST,
      changes.price ?? PRICE,
      changes.deadline ?? shoal.chain.now + DAY,
    )

  async function asked(salt = SALT, from = alice, price = PRICE): Promise<Asked> {
    const deadline = shoal.chain.now + DAY
    const { returned } = await ask({ salt, from, price })
    const channelId = await oracle.view<string>('channelIdOf', from.address, salt, provider.address)
    return { questionId: returned as string, channelId, deadline }
  }

  const receipt = ({ channelId }: Asked, changes: Partial<ContractReceipt> = {}) =>
    receiptOf(shoal, oracle, { provider: provider.address, channelId, amount: COST }, changes)
  const deliver = (
    question: Asked,
    given: ContractReceipt,
    proof: ReceiptProof,
    answer: Uint8Array = ANSWER,
  ) => oracle.send(session, 'deliver', question.questionId, given, proof, hexlify(answer))
  async function answered(
    question: Asked,
    changes: Partial<ContractReceipt> = {},
    answer: Uint8Array = ANSWER,
  ) {
    const given = receipt(question, changes)
    return deliver(question, given, await anchorReceipt(shoal, provider, given), answer)
  }
  const reclaim = ({ questionId }: Asked) => oracle.send(session, 'reclaim', questionId)

  const questionOf = ({ questionId }: Asked) => oracle.view<Question>('questionOf', questionId)
  const internal = (account: string) => shoal.settlement.view('balanceOf', account)
  const credits = (account: string) => shoal.creditToken.view('balanceOf', account)

  it('is made for a Settlement and an AuditAnchor', async () => {
    const { chain, settlement, auditAnchor, creditToken } = shoal
    assert.equal(await oracle.view('settlement'), settlement.address)
    assert.equal(await oracle.view('auditAnchor'), auditAnchor.address)
    assert.equal(await oracle.view('creditToken'), creditToken.address)
    for (const args of [
      [ZeroAddress, auditAnchor.address],
      [settlement.address, ZeroAddress],
    ])
      await assertReverts(chain.deploy(deployer, answerOracleAbi, answerOracleBytecode, args), 'ZeroAddress')
  })

  describe('ask', () => {
    it('locks the price in a channel that is known before, with the oracle as its signer', async () => {
      const { settlement, chain } = shoal
      const channelId = await oracle.view<string>('channelIdOf', alice.address, SALT, provider.address)
      const questionId = await oracle.view<string>('questionIdOf', alice.address, SALT)
      assert.equal(
        questionId,
        keccak256(AbiCoder.defaultAbiCoder().encode(['address', 'bytes32'], [alice.address, SALT])),
      )
      const before = await credits(alice.address)
      const deadline = chain.now + DAY
      const result = await ask()
      assert.equal(result.returned, questionId)
      assertEvents(result, [
        'Asked',
        questionId,
        alice.address,
        provider.address,
        channelId,
        MODEL,
        REQUEST,
        PRICE,
        BigInt(deadline),
      ])
      assert.equal(before - (await credits(alice.address)), PRICE)
      const channel = await settlement.view<Record<string, unknown>>('channelOf', channelId)
      assert.deepEqual(
        [channel.payer, channel.payee, channel.signer, channel.deposit, channel.expiresAt],
        [oracle.address, provider.address, oracle.address, PRICE, BigInt(deadline)],
      )
      const question = await questionOf({ questionId, channelId, deadline })
      assert.deepEqual(
        [...(question as unknown as unknown[])],
        [
          alice.address,
          PRICE,
          provider.address,
          BigInt(deadline),
          STATUS.open,
          0n,
          channelId,
          MODEL,
          REQUEST,
        ],
      )
    })

    it('refuses a salt used before, but not one of somebody else', async () => {
      const { questionId } = await asked()
      await assertReverts(ask(), 'QuestionExists', questionId)
      await ask({ from: carol })
    })

    it('refuses what Settlement and the token refuse, and keeps nothing', async () => {
      const { chain, settlement } = shoal
      await assertReverts(ask({ provider: ZeroAddress }), 'ZeroAddress')
      await assertReverts(ask({ price: 0n }), 'ZeroAmount')
      const earliest = BigInt(chain.now + CLOSE_DELAY)
      await assertReverts(ask({ deadline: Number(earliest) - 1 }), 'ExpiryTooEarly', earliest, earliest - 1n)
      await assertReverts(
        ask({ price: 2_000n * CREDIT }),
        'ERC20InsufficientAllowance',
        oracle.address,
        1_000n * CREDIT,
        2_000n * CREDIT,
      )
      await settlement.send(pauser, 'pauseDeposits')
      await assertReverts(ask(), 'DepositsPaused', BigInt(chain.now + 14 * DAY))
      assert.equal(await credits(oracle.address), 0n)
      assert.equal(await internal(oracle.address), 0n)
    })

    it("never pays with what is another asker's", async () => {
      const first = await asked()
      shoal.chain.now = first.deadline
      await reclaim(first)
      assert.equal(await internal(oracle.address), PRICE)
      await asked(SALT, carol)
      assert.equal(await internal(oracle.address), PRICE)
      assert.equal(await oracle.view('balanceOf', alice.address), PRICE)
    })
  })

  describe('deliver', () => {
    it('pays the provider what its receipt says, and stores the answer, whoever brings it', async () => {
      const question = await asked()
      const result = await answered(question)
      assertEvents(result, ['Answered', question.questionId, provider.address, OUTPUT, COST])
      assert.equal(await oracle.view('answerOf', question.questionId), hexlify(ANSWER))
      assert.equal(await internal(provider.address), COST)
      const { status, cost } = await questionOf(question)
      assert.deepEqual([status, cost], [STATUS.answered, COST])
      assert.equal(await shoal.settlement.view('statusOf', question.channelId), CHANNEL.closing)
    })

    it('takes an answer for the whole price, and one for nothing', async () => {
      const whole = await asked()
      await answered(whole, { amount: PRICE, cumulativeAmount: PRICE, reason: 1 })
      assert.equal(await internal(provider.address), PRICE)
      assert.equal(await shoal.settlement.view('statusOf', whole.channelId), CHANNEL.open)
      const free = await asked(ZeroHash)
      await answered(free, { amount: 0n, cumulativeAmount: 0n, reason: 2 })
      assert.equal(await internal(provider.address), PRICE)
      assert.equal(await oracle.view('answerOf', free.questionId), hexlify(ANSWER))
    })

    it('works while deposits are paused', async () => {
      const question = await asked()
      await shoal.settlement.send(pauser, 'pauseDeposits')
      await answered(question)
      assert.equal(await internal(provider.address), COST)
    })

    const other = toBeHex(0xdeadn, 32)
    const WRONG: [string, Partial<ContractReceipt>][] = [
      ['payer', { payer: alice.address }],
      ['payee', { payee: carol.address }],
      ['chainId', { chainId: 1 }],
      ['settlement', { settlement: alice.address }],
      ['channelId', { channelId: other }],
      ['model', { model: other }],
      ['request', { request: other }],
      ['output', { output: other }],
      ['amount', { amount: PRICE + 1n, cumulativeAmount: PRICE + 1n }],
      ['cumulativeAmount', { cumulativeAmount: COST + 1n }],
      ['reason', { reason: 3 }],
      ['reason', { reason: 4 }],
      ['reason', { reason: 5 }],
    ]
    for (const [member, changes] of WRONG) {
      it(`refuses a receipt of another ${member} (${JSON.stringify(changes, showBigints)})`, async () => {
        const question = await asked()
        await assertReverts(answered(question, changes), 'WrongReceipt', member)
        await answered(question)
      })
    }

    it('refuses other bytes than the receipt names, and more than it stores', async () => {
      const question = await asked()
      await assertReverts(answered(question, {}, ANSWER.subarray(1)), 'WrongReceipt', 'output')
      await assertReverts(answered(question, {}, new Uint8Array(4_097)), 'AnswerTooLong', 4_097n, 4_096n)
      const longest = new Uint8Array(4_096).fill(7)
      const { createHash } = await import('node:crypto')
      await answered(question, { output: `0x${createHash('sha256').update(longest).digest('hex')}` }, longest)
      assert.equal(await oracle.view('answerOf', question.questionId), hexlify(longest))
    })

    it("refuses a receipt that is not in the provider's own anchored log just so", async () => {
      const question = await asked()
      const given = receipt(question)
      const others = await anchorReceipt(shoal, carol, given)
      await assertReverts(deliver(question, given, others), 'NotAnchored')
      const proof = await anchorReceipt(shoal, provider, given)
      await assertReverts(deliver(question, { ...given, outputTokens: 4 }, proof), 'NotAnchored')
      const [[index, range, at], sequence, eventHash, siblings] = proof
      for (const wrong of [
        [[index, range, at - 1], sequence, eventHash, siblings],
        [[index + 1n, range, at], sequence, eventHash, siblings],
        [[index, range, at], sequence + 1, eventHash, siblings],
        [[index, range, at], sequence, `${eventHash.slice(0, -2)}00`, siblings],
        [[index, range, at], sequence, eventHash, siblings.slice(1)],
      ] as ReceiptProof[])
        await assertReverts(deliver(question, given, wrong), 'NotAnchored')
      await deliver(question, given, proof)
    })

    it('takes one answer, to a question there is', async () => {
      const question = await asked()
      const given = receipt(question)
      const proof = await anchorReceipt(shoal, provider, given)
      await assertReverts(deliver({ ...question, questionId: other }, given, proof), 'NotOpen', other)
      await deliver(question, given, proof)
      await assertReverts(deliver(question, given, proof), 'NotOpen', question.questionId)
    })

    it('takes it until the second before the deadline', async () => {
      const question = await asked()
      const given = receipt(question)
      const proof = await anchorReceipt(shoal, provider, given)
      shoal.chain.now = question.deadline
      await assertReverts(deliver(question, given, proof), 'TooLate', BigInt(question.deadline))
      shoal.chain.now = question.deadline - 1
      await deliver(question, given, proof)
    })

    it('takes nothing from a provider that has declined', async () => {
      const question = await asked()
      await shoal.settlement.send(provider, 'closeByPayee', question.channelId)
      await assertReverts(answered(question), 'NotPaid', question.questionId)
    })
  })

  describe('reclaim and withdraw', () => {
    it('give back what the answer did not cost, once the payee could have claimed', async () => {
      const question = await asked()
      await answered(question)
      const closableAt = BigInt(shoal.chain.now + CLOSE_DELAY)
      shoal.chain.now += CLOSE_DELAY - 1
      await assertReverts(reclaim(question), 'CloseTooEarly', closableAt)
      shoal.chain.now += 1
      assertEvents(await reclaim(question), ['Reclaimed', question.questionId, alice.address, PRICE - COST])
      assert.equal((await questionOf(question)).status, STATUS.answeredAndClosed)
      assert.equal(await oracle.view('answerOf', question.questionId), hexlify(ANSWER))
      await assertReverts(reclaim(question), 'NothingToReclaim', question.questionId)

      const before = await credits(session.address)
      assertEvents(await oracle.send(alice, 'withdraw', session.address), [
        'Withdrawn',
        alice.address,
        session.address,
        PRICE - COST,
      ])
      assert.equal((await credits(session.address)) - before, PRICE - COST)
      await assertReverts(oracle.send(alice, 'withdraw', alice.address), 'NothingToWithdraw')
      assert.equal(await internal(oracle.address), 0n)
    })

    it('give all back when nobody answered in time', async () => {
      const question = await asked()
      await assertReverts(reclaim(question), 'CloseTooEarly', BigInt(question.deadline))
      shoal.chain.now = question.deadline
      assertEvents(await reclaim(question), ['Reclaimed', question.questionId, alice.address, PRICE])
      assert.equal((await questionOf(question)).status, STATUS.unanswered)
      await assertReverts(answered(question), 'NotOpen', question.questionId)
      await assertReverts(reclaim(question), 'NothingToReclaim', question.questionId)
      await assertReverts(oracle.view('answerOf', question.questionId), 'NoAnswer', question.questionId)
    })

    it('give all back at once when the provider declines, and the rest when it closes after its answer', async () => {
      const declined = await asked()
      await shoal.settlement.send(provider, 'closeByPayee', declined.channelId)
      assertEvents(await reclaim(declined), ['Reclaimed', declined.questionId, alice.address, PRICE])
      const done = await asked(ZeroHash)
      await answered(done)
      await shoal.settlement.send(provider, 'closeByPayee', done.channelId)
      assertEvents(await reclaim(done), ['Reclaimed', done.questionId, alice.address, PRICE - COST])
      assert.equal(await oracle.view('balanceOf', alice.address), PRICE + PRICE - COST)
      assert.equal(await internal(oracle.address), PRICE + PRICE - COST)
    })

    it('give nothing for a question there is not, nor to the zero address, nor to others', async () => {
      await assertReverts(oracle.send(alice, 'reclaim', SALT), 'NothingToReclaim', SALT)
      const question = await asked()
      shoal.chain.now = question.deadline
      await reclaim(question)
      await assertReverts(oracle.send(alice, 'withdraw', ZeroAddress), 'ZeroAddress')
      await assertReverts(oracle.send(carol, 'withdraw', carol.address), 'NothingToWithdraw')
      assert.equal(await oracle.view('balanceOf', alice.address), PRICE)
    })
  })

  describe('isValidSignature', () => {
    const isValid = (digest: string, signature: string) =>
      oracle.view<string>('isValidSignature', digest, signature)
    const voucher = ({ channelId }: Asked, amount: bigint) =>
      shoal.settlement.view<string>('voucherDigest', channelId, amount)

    it('confirms the voucher that the receipt earned, and nothing else', async () => {
      const question = await asked()
      const beside = await asked(ZeroHash)
      const { questionId, channelId } = question
      for (const amount of [0n, COST, PRICE])
        assert.equal(await isValid(await voucher(question, amount), questionId), REFUSED, 'not answered yet')
      await answered(question)
      assert.equal(await isValid(await voucher(question, COST), questionId), MAGIC)
      for (const amount of [0n, COST - 1n, COST + 1n, PRICE])
        assert.equal(await isValid(await voucher(question, amount), questionId), REFUSED)
      assert.equal(await isValid(await voucher(question, COST), beside.questionId), REFUSED)
      assert.equal(await isValid(await voucher(beside, 0n), beside.questionId), REFUSED)
      assert.equal(await isValid(await voucher(question, COST), SALT), REFUSED)
      assert.equal(await isValid(await voucher(question, COST), `${questionId}00`), REFUSED)
      assert.equal(await isValid(await voucher(question, COST), '0x'), REFUSED)
      assert.equal(await isValid(keccak256(channelId), questionId), REFUSED)
      assert.equal(await shoal.settlement.view('isVoucherValid', channelId, COST, questionId), true)
      assert.equal(await shoal.settlement.view('isVoucherValid', channelId, PRICE, questionId), false)
      shoal.chain.now += CLOSE_DELAY
      await reclaim(question)
      assert.equal(await isValid(await voucher(question, COST), questionId), MAGIC)
    })

    it('lets nobody claim before the answer, nor more than it cost after it', async () => {
      const question = await asked()
      const claim = (cumulativeAmount: bigint) =>
        shoal.settlement.send(provider, 'settleMany', [
          [question.channelId, cumulativeAmount, question.questionId],
        ])
      await claim(PRICE)
      assert.equal(await internal(provider.address), 0n)
      await answered(question)
      await claim(PRICE)
      await claim(COST)
      assert.equal(await internal(provider.address), COST)
    })
  })
})

function showBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
