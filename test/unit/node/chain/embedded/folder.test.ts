import assert from 'node:assert/strict'
import { chmod, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { Interface } from 'ethers'
import { settlementAbi } from '../../../../../node/chain/abi/settlement.ts'
import { EmbeddedChainError, type EmbeddedChainErrorCode } from '../../../../../node/chain/embedded/errors.ts'
import type { OpenedChain } from '../../../../../node/chain/embedded/folder.ts'
import { openChain, Sender } from './opened-chain.ts'
import { useTemporaryFolder } from './temporary-folder.ts'

describe('the folder of an embedded chain', () => {
  const folder = useTemporaryFolder()
  const open = (options = {}) => openChain(folder.path, options)
  const journalPath = () => join(folder.path, 'journal')
  const lines = async () => (await readFile(journalPath(), 'utf8')).trimEnd().split('\n')
  const records = async () =>
    (await lines()).map(line => JSON.parse(line.slice(9)) as Record<string, unknown>)
  const writeRecords = async (written: readonly object[]) => {
    const text = written.map(record => {
      const json = JSON.stringify(record)
      return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
    })
    await writeFile(journalPath(), text.join(''))
  }
  const refusesToOpen = (code: EmbeddedChainErrorCode, options = {}) =>
    assert.rejects(open(options), (error: unknown) => {
      assert.ok(error instanceof EmbeddedChainError, String(error))
      assert.equal(error.code, code)
      assert.ok(error.fix)
      return true
    })
  const used = async (transfers: number, options = {}): Promise<OpenedChain> => {
    const opened = await open(options)
    const sender = await Sender.ofDeployer(opened)
    for (let index = 0; index < transfers; index++) {
      await opened.chain.sendRawTransaction(await sender.transfer())
    }
    return opened
  }

  it('begins with the contracts, and has them and everything else again later', async () => {
    const first = await used(5)
    const { head } = first.chain
    assert.equal(first.replayedTransactions, 0)
    assert.equal(first.deployment.chainId, 31337)
    for (const address of Object.values(first.deployment.addresses)) {
      assert.notEqual(await first.chain.read('eth_getCode', [address, 'latest']), '0x')
    }
    await first.close()
    const second = await open()
    assert.deepEqual(second.chain.head, head)
    assert.deepEqual(second.deployment, first.deployment)
    assert.equal(second.replayedTransactions, head.number)
    assert.equal(await second.chain.read('eth_getBalance', [`0x${'77'.repeat(20)}`, 'latest']), '0x5')
    await second.close()
  })

  it('has a key of its own that only the user can read', async () => {
    const opened = await open()
    await opened.close()
    const { mode } = await stat(join(folder.path, 'deployer.key'))
    assert.equal(mode & 0o077, 0)
  })

  it('is for one at a time', async () => {
    const opened = await open()
    await refusesToOpen('CHAIN_FOLDER_IN_USE')
    await opened.close()
    await (await open()).close()
  })

  it('passes deployment parameters on', async () => {
    const opened = await open({ deployment: { closeDelay: 77 } })
    const { settlement } = opened.deployment.addresses
    const data = new Interface(settlementAbi).encodeFunctionData('closeDelay')
    const closeDelay = await opened.chain.call('eth_call', [{ to: settlement, data }, 'latest'])
    await opened.close()
    assert.equal(Number(closeDelay), 77)
  })

  it('says how far it is while it replays a long journal', async () => {
    const opened = await used(1_100)
    const { head } = opened.chain
    await opened.close()
    const progress: number[] = []
    const again = await open({ onProgress: (transactions: number) => progress.push(transactions) })
    assert.deepEqual(again.chain.head, head)
    assert.equal(progress.length, 1)
    await again.close()
  }).timeout(120_000)

  it('checks also the last block after a clean stop', async () => {
    const opened = await used(3)
    const { hash } = opened.chain.head
    await opened.close()
    assert.deepEqual((await records()).at(-1), { type: 'head', head: hash })
  })

  it('begins anew when the first start was cut off before the contracts were there', async () => {
    const opened = await open()
    await opened.close()
    const all = await records()
    const deployed = all.findIndex(({ type }) => type === 'deployment')
    for (let keep = 0; keep <= deployed; keep++) {
      await writeRecords(all.slice(0, keep))
      const again = await open()
      assert.equal(again.replayedTransactions, 0)
      await again.close()
      assert.equal((await records()).filter(({ type }) => type === 'deployment').length, 1)
    }
  })

  it('drops a last transaction that was written down and never let in', async () => {
    const opened = await used(3)
    const { head } = opened.chain
    await opened.close()
    const all = (await records()).filter(({ type }) => type !== 'head')
    const refused = { ...all.at(-1)!, parent: head.hash }
    await writeRecords([...all, refused])
    const again = await open()
    assert.deepEqual(again.chain.head, head)
    const sender = await Sender.ofDeployer(again)
    await again.chain.sendRawTransaction(await sender.transfer())
    await again.close()
    await (await open()).close()
  })

  describe('names what is wrong', () => {
    let all: Record<string, unknown>[]
    beforeEach(async () => {
      let nowMs = Date.now()
      const now = () => {
        nowMs += 10_000
        return nowMs
      }
      await (await used(150, { now })).close()
      all = await records()
    })
    const mismatchAt = async (line: number) => {
      const before = await readFile(journalPath())
      await assert.rejects(open(), (error: unknown) => {
        assert.ok(error instanceof EmbeddedChainError, String(error))
        assert.equal(error.code, 'CHAIN_REPLAY_MISMATCH')
        assert.equal(error.details.line, line)
        return true
      })
      assert.deepEqual(await readFile(journalPath()), before)
    }

    it('a transaction that leads to another block', async () => {
      const last = all.length - 2
      for (const index of [1, 6, 60, 64, 65, 66, 130, last]) {
        if (all[index]!.type !== 'transaction') continue
        const later = { ...all[index], timestamp: (all[index]!.timestamp as number) + 1 }
        await writeRecords(all.with(index, later))
        await mismatchAt(index + 1)
      }
    })

    it('a transaction that is missing, refused or doubled in the middle', async () => {
      for (const index of [60, 64, 65, 66, 130]) {
        await writeRecords(all.toSpliced(index, 1))
        await mismatchAt(index + 1)
        await writeRecords(all.toSpliced(index, 0, all[index]!))
        await mismatchAt(index + 2)
      }
    })

    it('records out of place', async () => {
      await writeRecords(all.slice(1))
      await refusesToOpen('CHAIN_JOURNAL_CORRUPT')
      await writeRecords([...all, all[0]!])
      await refusesToOpen('CHAIN_JOURNAL_CORRUPT')
    })

    it('another genesis', async () => {
      await writeRecords(all.with(0, { ...all[0], timestamp: (all[0]!.timestamp as number) - 1 }))
      await mismatchAt(2)
    })

    it('a lost or foreign key', async () => {
      const path = join(folder.path, 'deployer.key')
      await writeFile(path, `0x${'12'.repeat(32)}\n`)
      await refusesToOpen('CHAIN_KEY_MISSING')
      await writeFile(path, 'nonsense')
      await refusesToOpen('CHAIN_KEY_MISSING')
      await rm(path)
      await refusesToOpen('CHAIN_KEY_MISSING')
    })

    it('another chain id', async () => {
      await refusesToOpen('CHAIN_ID_MISMATCH', { chainId: 1 })
    })

    it('contracts of another version', async () => {
      const at = all.findIndex(({ type }) => type === 'deployment')
      await writeRecords(all.with(at, { ...all[at], contractsDigest: 'sha256:00' }))
      await refusesToOpen('CHAIN_CONTRACTS_CHANGED')
    })

    it('damage in the middle', async () => {
      const text = await readFile(journalPath(), 'utf8')
      await writeFile(journalPath(), text.replace('"type":"deployment"', '"type":"deploymenT"'))
      await refusesToOpen('CHAIN_JOURNAL_CORRUPT')
    })

    it('leaves the folder free after each of these', async () => {
      await writeFile(journalPath(), 'x\ny\n')
      await refusesToOpen('CHAIN_JOURNAL_CORRUPT')
      await writeRecords(all)
      await (await open()).close()
    })
  })

  it('cuts a torn end', async () => {
    const opened = await used(3)
    const { head } = opened.chain
    await opened.close()
    const { size } = await stat(journalPath())
    await truncate(journalPath(), size - 10)
    const again = await open()
    assert.deepEqual(again.chain.head, head)
    await again.close()
  })

  it('says when the folder is none', async () => {
    const file = join(folder.path, 'file')
    await writeFile(file, '')
    await assert.rejects(openChain(file), { code: 'CHAIN_FOLDER_UNUSABLE' })
    if (process.getuid?.() === 0) return
    await chmod(folder.path, 0o500)
    await assert.rejects(openChain(join(folder.path, 'new')), { code: 'CHAIN_FOLDER_UNUSABLE' })
  })

  it('refuses parameters that no contract takes', async () => {
    await refusesToOpen('CHAIN_DEPLOYMENT_FAILED', { deployment: { epochSupply: 0n } })
  })
})
