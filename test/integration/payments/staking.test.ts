import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { EventLog } from '../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../node/auditlog/outbox.ts'
import { type ChainClient, contractInterfaces } from '../../../node/chain/client.ts'
import { Publisher } from '../../../node/chain/publisher.ts'
import { RecordedCalls } from '../../../node/chain/recorded-calls.ts'
import { systemClock } from '../../../node/clock.ts'
import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import { PaymentError, type PaymentErrorCode } from '../../../node/payments/errors.ts'
import { Staker } from '../../../node/payments/staker.ts'
import type { Wallet } from '../../../node/payments/wallet.ts'
import { Store } from '../../../node/store/store.ts'
import type { Address } from '../../../protocol/ids.ts'
import { type AuditEventDetails, auditEventMessage } from '../../../protocol/messages/audit-event.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { openRecord } from '../../../protocol/signed.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { waitUntil } from '../../helpers/wait.ts'

/** As deployed for one machine. */
const PROVIDER_MINIMUM = 100n * CREDIT

describe('the stake of a wallet', () => {
  const folders = new TemporaryFolders()
  const signer = createNativeNodeSigner(randomBytes(32))
  let chain: HardhatChain
  let client: ChainClient
  let wallet: Wallet
  let folder: string
  let run: Run | null = null
  let clean: unknown

  interface Run {
    staker: Staker
    publisher: Publisher
    events: () => Promise<AuditEventDetails[]>
    stop: () => Promise<void>
  }

  before(async () => {
    chain = await HardhatChain.start()
    client = await chain.client()
  })
  after(async () => {
    client.stop()
    await chain.stop()
    await folders.remove()
  })
  beforeEach(async () => {
    clean = await chain.send('evm_snapshot')
    wallet = await chain.wallet(500n * CREDIT)
    folder = await folders.make()
    await restart()
  })
  afterEach(async () => {
    await run?.stop()
    run = null
    await chain.send('evm_setAutomine', true)
    await chain.send('evm_revert', clean)
  })

  /** As after a restart: what it knows is on disk alone. */
  async function restart(): Promise<Run> {
    await run?.stop()
    const store = await Store.open(join(folder, 'store'))
    const log = await EventLog.open({ path: join(folder, 'audit.log') }, { signer, clock: systemClock })
    const outbox = new AuditOutbox({ store, log })
    await outbox.recover()
    const publisher = new Publisher(
      { confirmations: 1, pollIntervalMs: 20, bumpAfterMs: 60_000 },
      { client, wallet, store, clock: systemClock, log: silentLog },
    )
    await publisher.start()
    const calls = new RecordedCalls({ publisher, outbox, store, log: silentLog })
    await calls.start()
    run = {
      staker: new Staker({
        client,
        calls,
        channels: { apart: work => work() },
        wallet,
        clock: systemClock,
        randomId: () => randomBytes(8).toString('hex'),
      }),
      publisher,
      events: async () => {
        const events: AuditEventDetails[] = []
        for await (const { record } of log.read(1, log.lastSequence))
          events.push(openRecord(auditEventMessage, record).body.event)
        return events
      },
      stop: async () => {
        await publisher.stop()
        await log.close()
        await store.close()
      },
    }
    return run
  }

  /** A call that only another contract, as the court, can make. */
  async function sendAs(from: string, method: string, args: readonly unknown[]): Promise<void> {
    await chain.send('hardhat_impersonateAccount', from)
    await chain.send('hardhat_setBalance', from, '0xde0b6b3a7640000')
    const data = contractInterfaces.staking.encodeFunctionData(method, args)
    await chain.send('eth_sendTransaction', { from, to: client.addresses.staking, data })
  }

  async function ask(method: 'court' | 'pauser'): Promise<Address> {
    const data = contractInterfaces.staking.encodeFunctionData(method)
    const answer = await client.request('eth_call', [{ to: client.addresses.staking, data }, 'latest'])
    return contractInterfaces.staking.decodeFunctionResult(method, answer as string)[0] as string
  }

  async function passUnbondingDelay(): Promise<void> {
    const { unbondingDelayMs } = await run!.staker.stake()
    await chain.send('evm_increaseTime', unbondingDelayMs / 1_000)
    await chain.send('evm_mine')
  }

  const refused = (code: PaymentErrorCode, message: RegExp, fix: RegExp) => (error: unknown) => {
    assert.ok(error instanceof PaymentError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    assert.match(error.fix!, fix)
    return true
  }

  it('goes in for roles, out again and back into the wallet, each step on record', async () => {
    const { staker, events } = run!
    const nothing = await staker.stake()
    assert.deepEqual(
      [nothing.staked, nothing.roles, nothing.active, nothing.withdrawableAtMs, nothing.level],
      [0n, [], false, null, 'anonymous'],
    )
    assert.equal(nothing.minimums.provider, PROVIDER_MINIMUM)
    const transactions = [await staker.add(PROVIDER_MINIMUM + 30n * CREDIT)]
    transactions.push((await staker.setRoles(['storage', 'compute']))!)
    // Wished again, it is there already.
    assert.equal(await staker.setRoles(['compute', 'storage']), null)
    const active = await staker.stake()
    assert.deepEqual([active.roles, active.active], [['compute', 'storage'], true])

    transactions.push(await staker.unbond(20n * CREDIT))
    const cancelled = await staker.cancel()
    assert.equal(cancelled.amount, 20n * CREDIT)
    transactions.push(cancelled.transaction, await staker.unbond(30n * CREDIT))
    assert.ok((await staker.stake()).withdrawableAtMs! > Date.now())
    await passUnbondingDelay()
    const [paid, ...more] = await staker.withdraw()
    assert.deepEqual([paid?.of, paid?.amount, more], ['unbonded', 30n * CREDIT, []])
    transactions.push(paid!.transaction)

    assert.equal((await client.balances(wallet.address)).credits, 500n * CREDIT - PROVIDER_MINIMUM)
    const recorded = await events()
    assert.deepEqual(
      recorded.map(({ kind }) => kind),
      [
        ...['stake.added', 'stake.rolesSet', 'stake.unbonding'],
        ...['stake.unbondingCancelled', 'stake.unbonding', 'stake.withdrawn'],
      ],
    )
    assert.deepEqual(
      recorded.map(event => 'transaction' in event && event.transaction),
      transactions,
    )
  })

  it('is not added to beyond what the wallet has', async () => {
    await assert.rejects(
      run!.staker.add(501n * CREDIT),
      refused('WALLET_EMPTY', /the wallet has 500 credits/, new RegExp(wallet.address)),
    )
    await chain.send('hardhat_setBalance', wallet.address, '0x1')
    await assert.rejects(
      run!.staker.add(1n),
      refused('GAS_MONEY_MISSING', /gas money/, new RegExp(wallet.address)),
    )
    assert.deepEqual(await run!.events(), [])
  })

  it('is not added to while deposits are paused', async () => {
    await sendAs(await ask('pauser'), 'pauseDeposits', [])
    const until = new Date((await run!.staker.stake()).depositsPausedUntilMs).toISOString()
    await assert.rejects(run!.staker.add(1n), refused('DEPOSITS_PAUSED', new RegExp(until), /after that/))
  })

  it('must be enough for the roles, or says what is missing and which fit', async () => {
    const { staker } = run!
    await assert.rejects(
      staker.setRoles(['compute']),
      refused('STAKE_TOO_SMALL', /compute needs 100 credits; 0 are at stake/, /^.*shoal stake add 100$/),
    )
    await staker.add(120n * CREDIT)
    await assert.rejects(
      staker.setRoles(['validator', 'compute', 'storage']),
      refused('STAKE_TOO_SMALL', /need 200 credits; 120 are/, /add 80, or .*roles compute storage$/),
    )
    await staker.setRoles(['compute'])
    await assert.rejects(
      staker.unbond(30n * CREDIT),
      refused('STAKE_TOO_SMALL', /100 credits; 90 would be left/, /^Unbond 20 or less, .*roles none$/),
    )
    await assert.rejects(
      staker.unbond(121n * CREDIT),
      refused('STAKE_TOO_SMALL', /only 120 credits/, /^Unbond 120 or less/),
    )
  })

  it('comes back neither before its time nor while the court holds it', async () => {
    const { staker } = run!
    const nothing = refused('NOTHING_TO_WITHDRAW', /no bounty/, /shoal stake unbond/)
    await assert.rejects(staker.withdraw(), nothing)
    await assert.rejects(staker.cancel(), refused('NOTHING_UNBONDING', /nothing/, /shoal stake unbond/))
    await staker.add(50n * CREDIT)
    await staker.unbond(50n * CREDIT)
    const until = new Date((await staker.stake()).withdrawableAtMs!).toISOString()
    await assert.rejects(
      staker.withdraw(),
      refused('STILL_UNBONDING', new RegExp(`50 credits unbond until ${until}`), /shoal stake cancel/),
    )
    const court = await ask('court')
    await sendAs(court, 'lock', [wallet.address, 50n * CREDIT])
    await passUnbondingDelay()
    await assert.rejects(
      staker.withdraw(),
      refused('STAKE_LOCKED', /the court holds 50 credits/, /shoal stake shows/),
    )
    // A bounty is paid all the same, and what is left of a lock holds back only as much.
    await sendAs(court, 'slash', [wallet.address, 10n * CREDIT, wallet.address, 4n * CREDIT])
    const bounty = await staker.withdraw()
    assert.deepEqual(
      bounty.map(({ of, amount }) => [of, amount]),
      [['bounty', 4n * CREDIT]],
    )
    await sendAs(court, 'unlock', [wallet.address, 15n * CREDIT])
    const [part] = await staker.withdraw()
    assert.equal(part?.amount, 15n * CREDIT)
    const { unbonding, locked, slashed } = await staker.stake()
    assert.deepEqual(
      [unbonding, locked, slashed],
      [25n, 25n, 10n].map(amount => amount * CREDIT),
    )
  })

  it('is added to once when it is asked for again after a crash, and twice when twice is meant', async () => {
    await chain.send('evm_setAutomine', false)
    void run!.staker.add(10n * CREDIT).catch(() => {})
    await waitUntil('it is sent', () => run!.publisher.pending()[0]?.state === 'sent')
    const { staker, events } = await restart()
    const again = staker.add(10n * CREDIT)
    await chain.send('evm_setAutomine', true)
    await chain.send('evm_mine')
    await again
    assert.equal((await staker.stake()).staked, 10n * CREDIT)
    assert.equal((await events()).length, 1)
    await Promise.all([staker.add(10n * CREDIT), staker.add(10n * CREDIT)])
    assert.equal((await staker.stake()).staked, 30n * CREDIT)
    assert.equal((await events()).length, 3)
  })
})
