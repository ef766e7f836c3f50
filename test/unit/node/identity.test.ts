import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import { IdentityError, loadOrCreateNodeKey } from '../../../node/identity.ts'
import { createWallet, keystoreAddress, openWallet, WalletError } from '../../../node/payments/wallet.ts'
import { createNodeSigner, verifyEd25519 } from '../../../protocol/identity.ts'
import { seedOf } from '../../helpers/samples.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

describe('keys of a node', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('are made once, for their owner alone, and read again', async () => {
    const path = join(await folders.make(), 'node.key')
    const first = await loadOrCreateNodeKey(path)
    const second = await loadOrCreateNodeKey(path)
    assert.deepEqual([first.created, second.created], [true, false])
    assert.deepEqual(second.seed, first.seed)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.match(await readFile(path, 'utf8'), /BEGIN PRIVATE KEY/)
  })

  it('refuse a file that is no key, and do not overwrite it', async () => {
    const path = join(await folders.make(), 'node.key')
    await writeFile(path, 'not a key')
    await assert.rejects(
      loadOrCreateNodeKey(path),
      (error: unknown) => error instanceof IdentityError && error.fix !== undefined,
    )
    assert.equal(await readFile(path, 'utf8'), 'not a key')
  })

  it('sign natively what they sign portably', () => {
    const [native, portable] = [createNativeNodeSigner(seedOf(5)), createNodeSigner(seedOf(5))]
    const message = Buffer.from('shoal')
    assert.deepEqual(native.publicKey, portable.publicKey)
    assert.deepEqual(native.sign(message), portable.sign(message))
    assert.ok(verifyEd25519(native.sign(message), message, native.publicKey))
  })
})

describe('wallet', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('is an encrypted keystore that its password opens', async () => {
    const path = join(await folders.make(), 'wallet.json')
    const made = await createWallet(path, 'correct horse')
    const opened = await openWallet(path, 'correct horse')
    assert.equal(opened.address, made.address)
    assert.equal(opened.privateKey, made.privateKey)
    assert.equal(await keystoreAddress(path), made.address)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.doesNotMatch(await readFile(path, 'utf8'), new RegExp(made.privateKey.slice(2)))
    await assert.rejects(
      createWallet(path, 'x'),
      (error: unknown) => error instanceof WalletError && error.code === 'WALLET_INVALID',
    )
  })

  it('does not show its key by accident', async () => {
    const path = join(await folders.make(), 'wallet.json')
    const wallet = await createWallet(path, 'pw')
    const { inspect } = await import('node:util')
    for (const shown of [
      inspect(wallet),
      JSON.stringify(wallet),
      String(wallet),
      inspect({ deep: { wallet } }, { depth: 9 }),
    ]) {
      assert.ok(!shown.includes(wallet.privateKey.slice(2)), shown)
    }
  })

  it('says what is wrong with a password or a file', async () => {
    const folder = await folders.make()
    const path = join(folder, 'wallet.json')
    const code = (expected: string) => (error: unknown) =>
      error instanceof WalletError && error.code === expected && !JSON.stringify(error).includes('scrypt')
    await assert.rejects(openWallet(path, 'pw'), code('WALLET_MISSING'))
    await createWallet(path, 'pw')
    await assert.rejects(openWallet(path, 'PW'), code('WALLET_PASSWORD_WRONG'))
    await writeFile(path, '{}')
    await assert.rejects(openWallet(path, 'pw'), code('WALLET_INVALID'))
    assert.equal(await keystoreAddress(path), null)
  })
})
