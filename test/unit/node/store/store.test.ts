import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Level } from 'level'
import { z } from 'zod'
import { StoreError } from '../../../../node/store/errors.ts'
import { Store } from '../../../../node/store/store.ts'
import { wire } from '../../../../protocol/codec.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const account = z.strictObject({ owner: wire.address, amount: wire.amount })
const alice = { owner: `0x${'aa'.repeat(20)}`, amount: 2n ** 100n }
const bob = { owner: `0x${'bb'.repeat(20)}`, amount: 0n }
const code = (expected: string) => (error: unknown) => error instanceof StoreError && error.code === expected

describe('store', () => {
  const folders = new TemporaryFolders()
  let path: string
  beforeEach(async () => {
    path = join(await folders.make(), 'store')
  })
  after(() => folders.remove())

  it('keeps records over restarts, in the order of keys, tables apart', async () => {
    let store = await Store.open(path)
    const accounts = store.table('accounts', account)
    await accounts.put('b', bob)
    await accounts.put('a', alice)
    await store.table('other', account).put('a', bob)
    await store.close()
    store = await Store.open(path)
    const again = store.table('accounts', account)
    assert.deepEqual(await again.get('a'), alice)
    assert.equal(await again.get('c'), undefined)
    const keys: string[] = []
    for await (const [key] of again.entries({ reverse: true })) keys.push(key)
    assert.deepEqual(keys, ['b', 'a'])
    await store.close()
    await store.close()
  })

  it('applies batches over tables whole', async () => {
    const store = await Store.open(path)
    const [left, right] = [store.table('left', account), store.table('right', account)]
    await store.batch([left.putOperation('x', alice), right.putOperation('x', bob)])
    await assert.rejects(async () =>
      store.batch([left.deleteOperation('x'), right.putOperation('y', { ...bob, amount: -1n })]),
    )
    assert.deepEqual(
      [await left.get('x'), await right.get('x'), await right.get('y')],
      [alice, bob, undefined],
    )
    await store.close()
  })

  it('says when another node has it', async () => {
    const store = await Store.open(path)
    await assert.rejects(Store.open(path), code('DATA_IN_USE'))
    await store.close()
  })

  it('does not hand out what it cannot read', async () => {
    const store = await Store.open(path)
    await store.table('accounts', account).put('a', alice)
    await store.close()
    const level = new Level<string, Uint8Array>(path, { valueEncoding: 'view' })
    await level
      .sublevel<string, Uint8Array>('accounts', { valueEncoding: 'view' })
      .put('a', Uint8Array.of(0x61))
    await level.close()
    const again = await Store.open(path)
    await assert.rejects(again.table('accounts', account).get('a'), code('STORE_CORRUPT'))
    await again.close()
  })

  it('says that the disk is full', async function () {
    const mount = await folders.make()
    if (
      process.getuid?.() !== 0 ||
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mount]).status !== 0
    ) {
      console.log(
        '      skipped: mounting a small file system needs root (owner: test/unit/node/store/store.test.ts)',
      )
      return this.skip()
    }
    try {
      const store = await Store.open(join(mount, 'store'))
      const table = store.table('accounts', z.strictObject({ text: z.string() }))
      const fill = async () => {
        for (let i = 0; i < 10_000; i++) await table.put(String(i), { text: 'x'.repeat(1_000) })
      }
      await assert.rejects(fill(), code('DISK_FULL'))
      await store.close()
    } finally {
      spawnSync('umount', [mount])
    }
  })
})
