import assert from 'node:assert/strict'
import { toBeHex, type Wallet } from 'ethers'
import { settlementBytecode } from '../../node/chain/abi/bytecode/settlement.ts'
import { settlementAbi } from '../../node/chain/abi/settlement.ts'
import { EmissionError, EmissionReader, parseRounds } from '../../node/chain/emission.ts'
import { type Distribution, differences, proofOf } from '../../node/chain/emission-allocation.ts'
import { ChainError } from '../../node/chain/errors.ts'
import { assertEvents } from './assertions.ts'
import {
  CHALLENGE_WINDOW,
  deployEmission,
  type EmissionShoal,
  EPOCH,
  LEARNERS,
  PROVIDERS,
  SHARES,
} from './fixtures/emission.ts'
import {
  alice,
  bob,
  CLOSE_DELAY,
  CREDIT,
  carol,
  DAY,
  deployer,
  EPOCH_SUPPLY,
  pauser,
  session,
  type TestContract,
} from './test-chain.ts'
import { newTicket, signTicket } from './tickets.ts'
import { signVoucher } from './vouchers.ts'

const PROVIDER_COMPUTE = 4n
const POOL_SIZE = (EPOCH_SUPPLY * SHARES.providers) / 10_000n

describe('EmissionReader', () => {
  let shoal: EmissionShoal
  let settlement: TestContract
  let reader: EmissionReader
  const ranges: number[] = []
  let salt = 0

  beforeEach(async () => {
    shoal = await deployEmission()
    const { chain, creditToken, staking } = shoal
    settlement = await chain.deploy(deployer, settlementAbi, settlementBytecode, [
      creditToken.address,
      staking.address,
      pauser.address,
      CLOSE_DELAY,
    ])
    await creditToken.send(deployer, 'approve', settlement.address, 1_000_000n * CREDIT)
    for (const wallet of [alice, bob]) {
      await creditToken.send(deployer, 'transfer', wallet.address, 10_000n * CREDIT)
      await staking.send(wallet, 'stake', 10_000n * CREDIT)
      await staking.send(wallet, 'setRoles', PROVIDER_COMPUTE | 2n)
    }
    ranges.length = 0
    reader = readerWith(1)
  })

  /** @param forgotten what the chain answers to questions about earlier blocks */
  const readerWith = (confirmations: number, forgotten?: ChainError) =>
    new EmissionReader(
      {
        addresses: {
          creditToken: shoal.creditToken.address,
          settlement: settlement.address,
          staking: shoal.staking.address,
          emission: shoal.emission.address,
        },
        deploymentBlock: 1,
        confirmations,
      },
      {
        client: {
          request: (method, params) => {
            if (method === 'eth_getLogs') {
              const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string }
              ranges.push(Number(toBlock) - Number(fromBlock) + 1)
            }
            if (forgotten !== undefined && method === 'eth_call' && params[1] !== 'latest') {
              return Promise.reject(forgotten)
            }
            return shoal.chain.request(method, params)
          },
        },
      },
    )

  /** Pays a provider by a channel and one voucher. */
  const pay = async (payee: Wallet, amount: bigint) => {
    const { chain } = shoal
    const { returned } = await settlement.send(
      deployer,
      'depositAndOpen',
      payee.address,
      session.address,
      toBeHex(++salt, 32),
      chain.now + 10 * DAY,
      amount,
    )
    const voucher = await signVoucher({ chain, settlement }, session, returned as string, amount)
    await settlement.send(deployer, 'settleMany', [voucher])
  }
  /** Moves the time on, with a block to show it. */
  const passTo = async (seconds: number) => {
    shoal.chain.now = shoal.genesis + seconds
    await shoal.creditToken.send(deployer, 'transfer', deployer.address, 0n)
  }

  it('counts what was settled in the epoch, with stake and role as of its end', async () => {
    await pay(alice, 3n * CREDIT)
    await passTo(EPOCH - 1)
    await pay(alice, 1n * CREDIT)
    await pay(bob, 2n * CREDIT)
    await pay(carol, 7n * CREDIT)
    await passTo(EPOCH)
    await pay(bob, 50n * CREDIT)
    await shoal.staking.send(alice, 'setRoles', 0n)
    const works = await reader.providerWorks(0n)
    const expected = [
      { account: alice, settled: 4n * CREDIT, stake: 20_000n * CREDIT, active: true },
      { account: bob, settled: 2n * CREDIT, stake: 20_000n * CREDIT, active: true },
      { account: carol, settled: 7n * CREDIT, stake: 10_000n * CREDIT, active: false },
    ].map(work => ({ ...work, account: work.account.address.toLowerCase() }))
    assert.deepEqual(
      works,
      expected.sort((a, b) => (a.account < b.account ? -1 : 1)),
    )
    await passTo(2 * EPOCH)
    const [later] = await reader.providerWorks(1n)
    assert.equal(later!.account, bob.address.toLowerCase())
    assert.equal(later!.settled, 50n * CREDIT)
    assert.deepEqual(
      ranges.filter(blocks => blocks > 2_000),
      [],
    )
  })

  it('counts tickets, whatever paid them, and arrears when they are paid', async () => {
    const place = { chain: shoal.chain, settlement }
    const face = 10n * CREDIT
    const reserve = 2n * CREDIT
    await settlement.send(deployer, 'depositAndFundTickets', session.address, face, face, reserve)
    const depositId = await settlement.view<string>('ticketDepositIdOf', deployer.address, session.address)
    for (let count = 0; count < 2; count++) {
      const expiresAt = BigInt(shoal.chain.now + DAY)
      const { ticket, random } = newTicket(depositId, alice.address, face, expiresAt)
      await settlement.send(carol, 'redeemMany', [await signTicket(place, session, ticket, random)])
    }
    const owed = await settlement.view('arrearsOf', depositId)
    assert.ok(owed > 0n && owed < face)
    await passTo(EPOCH)
    assert.equal((await reader.providerWorks(0n))[0]!.settled, 2n * face - owed)
    await settlement.send(deployer, 'depositAndFundTickets', session.address, face, owed, 0n)
    if ((await settlement.view('arrearsOf', depositId)) > 0n) {
      await settlement.send(carol, 'collectArrears', depositId, alice.address)
    }
    await passTo(2 * EPOCH)
    assert.equal((await reader.providerWorks(1n))[0]!.settled, owed)
  })

  it('says so when the chain has forgotten the state at the end of the epoch', async () => {
    await pay(alice, CREDIT)
    await passTo(EPOCH)
    const refusing = (code: 'TRANSACTION_REJECTED' | 'CHAIN_UNREACHABLE') =>
      readerWith(1, new ChainError(code, 'missing trie node'))
    await assert.rejects(refusing('TRANSACTION_REJECTED').providers(0n), {
      code: 'EMISSION_STATE_UNAVAILABLE',
    })
    await assert.rejects(refusing('CHAIN_UNREACHABLE').providers(0n), { code: 'CHAIN_UNREACHABLE' })
  })

  it('makes a root that is proposed, found right, and claimed from', async () => {
    const { chain, emission, creditToken } = shoal
    await pay(alice, 3n * CREDIT)
    await pay(bob, 1n * CREDIT)
    await passTo(EPOCH)
    const own = (await reader.providers(0n)) as Distribution
    assert.equal(await reader.poolSize(0n, 'providers'), POOL_SIZE)
    assert.equal(own.total, 4n * CREDIT)
    assert.equal(await reader.proposed(0n, 'providers'), null)
    await emission.send(carol, 'propose', 0n, PROVIDERS, own.root, own.total, own.contentHash)
    const proposed = (await reader.proposed(0n, 'providers'))!
    assert.equal(proposed.status, 'proposed')
    assert.equal(proposed.proposer, carol.address.toLowerCase())
    assert.equal(proposed.deadlineMs, (chain.now + CHALLENGE_WINDOW) * 1_000)
    assert.deepEqual(differences(proposed, own), [])
    chain.now += CHALLENGE_WINDOW
    const receipt = await emission.send(
      bob,
      'claim',
      0n,
      PROVIDERS,
      alice.address,
      3n * CREDIT,
      proofOf(own, alice.address)!,
    )
    assertEvents(receipt, ['Claimed', 0n, PROVIDERS, alice.address, 3n * CREDIT])
    assert.equal(await creditToken.view('mintedInEpoch', 0n), 3n * CREDIT)
    await passTo(EPOCH + CHALLENGE_WINDOW)
    const final = (await reader.proposed(0n, 'providers'))!
    assert.equal(final.status, 'final')
    assert.equal(final.claimed, 3n * CREDIT)
  })

  it('makes a root of the rounds of learners', async () => {
    const { chain, emission } = shoal
    await passTo(EPOCH)
    const rounds = parseRounds(
      JSON.stringify([
        { round: 'a', learners: [{ account: alice.address, weight: '2' }] },
        { round: 'b', learners: [{ account: bob.address, weight: '1' }] },
      ]),
    )
    const own = (await reader.learners(0n, rounds)) as Distribution
    await emission.send(carol, 'propose', 0n, LEARNERS, own.root, own.total, own.contentHash)
    chain.now += CHALLENGE_WINDOW
    for (const { account, amount } of own.allocations) {
      await emission.send(alice, 'claim', 0n, LEARNERS, account, amount, proofOf(own, account)!)
    }
    assert.ok(own.total <= EPOCH_SUPPLY / 5n)
    assert.equal(await reader.learners(0n, []), null)
  })

  it('is nothing for an epoch without work, or without blocks', async () => {
    await passTo(3 * EPOCH)
    assert.equal(await reader.providers(0n), null)
    const { firstBlock, lastBlock } = await reader.epochBlocks(1n)
    assert.equal(lastBlock, firstBlock - 1)
    assert.equal(await reader.providers(1n), null)
  })

  it('waits until the epoch is over and its end is deep enough', async () => {
    await pay(alice, CREDIT)
    const notOver = (error: unknown) =>
      error instanceof EmissionError && error.code === 'EMISSION_EPOCH_NOT_OVER'
    await assert.rejects(reader.providers(0n), notOver)
    await passTo(EPOCH)
    assert.notEqual(await reader.providers(0n), null)
    await assert.rejects(readerWith(2).providers(0n), notOver)
    await assert.rejects(readerWith(1_000).providers(0n), notOver)
    await assert.rejects(reader.providers(1n), notOver)
    await passTo(EPOCH + 1)
    assert.notEqual(await readerWith(2).providers(0n), null)
  })

  it('stops when it is told to', async () => {
    await pay(alice, CREDIT)
    await passTo(EPOCH)
    await assert.rejects(reader.providers(0n, AbortSignal.abort()), { name: 'AbortError' })
  })

  it('refuses lists of rounds that are not right', () => {
    const learner = { account: alice.address, weight: '1' }
    const round = { round: 'a', learners: [learner] }
    const bad: unknown[] = [
      {},
      [{ ...round, learners: [{ ...learner, account: '0x1' }] }],
      [{ ...round, learners: [{ ...learner, weight: '-1' }] }],
      [{ ...round, learners: [{ ...learner, weight: 1 }] }],
      [{ ...round, other: 1 }],
      [round, round],
    ]
    for (const text of ['', ...bad.map(value => JSON.stringify(value))]) {
      assert.throws(() => parseRounds(text), { code: 'EMISSION_ROUNDS_INVALID' }, text)
    }
    assert.deepEqual(parseRounds(JSON.stringify([round])), [
      { round: 'a', learners: [{ account: alice.address.toLowerCase(), weight: 1n }] },
    ])
  })
})
