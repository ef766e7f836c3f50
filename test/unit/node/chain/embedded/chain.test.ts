import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keccak256 } from 'ethers'
import type { OpenedChain } from '../../../../../node/chain/embedded/folder.ts'
import { openChain, Sender } from './opened-chain.ts'
import { useTemporaryFolder } from './temporary-folder.ts'

describe('JournaledChain', () => {
  const folder = useTemporaryFolder()
  let nowMs: number
  let opened: OpenedChain
  let sender: Sender
  const now = () => nowMs
  const reopen = async () => {
    await opened.close()
    opened = await openChain(folder.path, { now })
    sender = await Sender.ofDeployer(opened)
  }
  const send = async () => await opened.chain.sendRawTransaction(await sender.transfer())
  const seconds = () => Math.floor(nowMs / 1_000)

  beforeEach(async () => {
    nowMs = 1_900_000_000_000
    opened = await openChain(folder.path, { now })
    sender = await Sender.ofDeployer(opened)
  })
  afterEach(async () => {
    await opened.close()
  })

  describe('time of blocks', () => {
    it("is the clock's, and the same for all within a second", async () => {
      nowMs += 5_000
      await send()
      assert.equal(opened.chain.head.timestamp, seconds())
      nowMs += 900
      await send()
      assert.equal(opened.chain.head.timestamp, 1_900_000_005)
    })

    it('never goes back, also after a restart with an earlier clock', async () => {
      nowMs += 60_000
      await send()
      const { timestamp } = opened.chain.head
      nowMs -= 50_000
      await send()
      assert.equal(opened.chain.head.timestamp, timestamp)
      await reopen()
      nowMs -= 10_000
      await send()
      assert.equal(opened.chain.head.timestamp, timestamp)
      nowMs += 100_000
      await send()
      assert.equal(opened.chain.head.timestamp, seconds())
    })
  })

  describe('calls and estimates', () => {
    /** Deploys code that returns the time it sees, and reverts when it is called before `notBefore`. */
    const deployClock = async (notBefore: number) => {
      // if (timestamp < notBefore) revert(); return timestamp
      const code = `63${notBefore.toString(16).padStart(8, '0')}4210601157425f5260205ff35b5f5ffd`
      // Copies what follows its own 10 bytes and returns it.
      const creation = `60${(code.length / 2).toString(16)}80600a5f395ff300`
      const raw = await sender.wallet.signTransaction({
        data: `0x${creation}${code}`,
        type: 2,
        chainId: 31337,
        nonce: sender.nonce++,
        gasLimit: 200_000,
        maxFeePerGas: 10n ** 12n,
        maxPriorityFeePerGas: 0n,
      })
      const hash = await opened.chain.sendRawTransaction(raw)
      const receipt = await opened.chain.read('eth_getTransactionReceipt', [hash])
      return (receipt as { contractAddress: string }).contractAddress
    }

    it('see the present time on a chain that has been idle, also after a restart', async () => {
      const clock = await deployClock(seconds() + 100)
      await assert.rejects(opened.chain.call('eth_call', [{ to: clock }, 'latest']), { code: 3, data: '0x' })
      await assert.rejects(opened.chain.call('eth_estimateGas', [{ to: clock }]), { code: 3 })
      nowMs += 100_000
      for (const restarted of [false, true]) {
        if (restarted) await reopen()
        for (const block of [['latest'], ['pending'], [null], []]) {
          assert.equal(Number(await opened.chain.call('eth_call', [{ to: clock }, ...block])), seconds())
        }
        assert.ok(Number(await opened.chain.call('eth_estimateGas', [{ to: clock }])) > 21_000)
      }
    })

    it('see the time of a block that is named', async () => {
      const clock = await deployClock(0)
      const { number, timestamp } = opened.chain.head
      nowMs += 100_000
      const block = `0x${number.toString(16)}`
      assert.equal(Number(await opened.chain.call('eth_call', [{ to: clock }, block])), timestamp)
    })

    it('go on while blocks are mined', async () => {
      const clock = await deployClock(0)
      const work: Promise<unknown>[] = []
      for (let index = 0; index < 50; index++) {
        nowMs += 1_000
        work.push(send(), opened.chain.call('eth_call', [{ to: clock }, 'latest']))
      }
      await Promise.all(work)
    })
  })

  describe('sendRawTransaction', () => {
    it('has written a transaction down when it answers', async () => {
      const raw = await sender.transfer()
      const hash = await opened.chain.sendRawTransaction(raw)
      assert.equal(hash, keccak256(raw))
      assert.ok((await readFile(join(folder.path, 'journal'), 'utf8')).includes(raw))
    })

    it('leaves no trace of one that is refused', async () => {
      const before = await readFile(join(folder.path, 'journal'))
      const { head } = opened.chain
      sender.nonce += 1
      await assert.rejects(send(), /nonce/i)
      sender.nonce -= 3
      await assert.rejects(send(), /nonce/i)
      await assert.rejects(opened.chain.sendRawTransaction('0x1234'), { code: -32602 })
      assert.deepEqual(await readFile(join(folder.path, 'journal')), before)
      assert.deepEqual(opened.chain.head, head)
    })

    it('mines what is sent at once one after the other', async () => {
      const raws = []
      for (let index = 0; index < 20; index++) raws.push(await sender.transfer())
      const from = opened.chain.head.number
      const hashes = await Promise.all(raws.map(raw => opened.chain.sendRawTransaction(raw)))
      for (const [index, hash] of hashes.entries()) {
        const receipt = await opened.chain.read('eth_getTransactionReceipt', [hash])
        assert.equal(Number((receipt as { blockNumber: string }).blockNumber), from + 1 + index)
      }
    })

    it('takes only so many at once', async () => {
      const raw = await sender.transfer()
      const all = await Promise.allSettled(
        Array.from({ length: 1_030 }, () => opened.chain.sendRawTransaction(raw)),
      )
      const reasons = all.flatMap(one => (one.status === 'rejected' ? [String(one.reason)] : []))
      assert.equal(reasons.filter(reason => reason.includes('too many')).length, 6)
      assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
    })

    it('keeps reverted transactions, which have used up their nonce', async () => {
      const raw = await sender.wallet.signTransaction({
        to: opened.deployment.addresses.settlement,
        data: '0x12345678',
        type: 2,
        chainId: 31337,
        nonce: sender.nonce,
        gasLimit: 100_000,
        maxFeePerGas: 10n ** 12n,
        maxPriorityFeePerGas: 0n,
      })
      const hash = await opened.chain.sendRawTransaction(raw)
      await reopen()
      const receipt = await opened.chain.read('eth_getTransactionReceipt', [hash])
      assert.equal((receipt as { status: string }).status, '0x0')
    })
  })

  describe('for tests', () => {
    it('moves time, and keeps blocks with their times', async () => {
      opened.chain.increaseTime(3_600)
      await send()
      assert.equal(opened.chain.head.timestamp, seconds() + 3_600)
      opened.chain.setNextBlockTimestamp(seconds() + 9_999)
      await send()
      assert.equal(opened.chain.head.timestamp, seconds() + 9_999)
      await send()
      assert.equal(opened.chain.head.timestamp, seconds() + 9_999)
      assert.throws(() => opened.chain.setNextBlockTimestamp(seconds()), { code: -32000 })
      const { head } = opened.chain
      await reopen()
      assert.deepEqual(opened.chain.head, head)
    })

    it('undoes blocks, and then does not open the folder again', async () => {
      const snapshot = await opened.chain.read('evm_snapshot', [])
      const { head } = opened.chain
      const hash = await send()
      await opened.chain.runUnjournaled('evm_revert', [snapshot])
      assert.deepEqual(opened.chain.head, head)
      assert.equal(await opened.chain.read('eth_getTransactionReceipt', [hash]), null)
      sender.nonce--
      await opened.chain.sendRawTransaction(await sender.transfer(undefined, 2n))
      await opened.chain.runUnjournaled('evm_mine', [])
      assert.equal(opened.chain.head.number, head.number + 2)
      await opened.close()
      await assert.rejects(openChain(folder.path), { code: 'CHAIN_TAINTED' })
    })
  })
})
