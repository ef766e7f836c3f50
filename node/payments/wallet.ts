import { scrypt as opensslScrypt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { scrypt } from 'ethers/crypto'
import {
  decryptKeystoreJson,
  Wallet as EthersWallet,
  encryptKeystoreJson,
  isKeystoreJson,
} from 'ethers/wallet'
import { ShoalError } from '../../protocol/errors.ts'
import type { Address } from '../../protocol/ids.ts'
import { writePrivateFile } from '../data-dir.ts'

export type WalletErrorCode =
  | 'WALLET_MISSING'
  | 'WALLET_INVALID'
  | 'WALLET_PASSWORD_WRONG'
  | 'WALLET_PASSWORD_MISSING'

export class WalletError extends ShoalError<WalletErrorCode> {
  override readonly name = 'WalletError'
}

/** An unlocked wallet. Its key is never printed, logged or serialised. */
export class Wallet {
  readonly address: Address
  readonly #privateKey: string

  constructor(privateKey: string) {
    this.#privateKey = privateKey
    this.address = new EthersWallet(privateKey).address.toLowerCase()
  }

  /** For the chain client, which signs transactions. */
  get privateKey(): string {
    return this.#privateKey
  }

  toJSON(): { address: Address; privateKey: '[redacted]' } {
    return { address: this.address, privateKey: '[redacted]' }
  }

  [inspect.custom](): string {
    return `Wallet(${this.address}, [redacted])`
  }
}

/** scrypt cost: what geth and ethers use for keystores (N = 2^17, r = 8, p = 1; 128 MiB, about 0.4 s). */
const SCRYPT = { N: 131_072, r: 8, p: 1 }

useOpensslForScrypt()

/**
 * Makes a wallet and writes it as an encrypted keystore (Web3 Secret Storage v3, as ethers and geth do).
 * Never overwrites one.
 * @throws {WalletError} WALLET_INVALID when there is one already
 */
export async function createWallet(path: string, password: string): Promise<Wallet> {
  if ((await readKeystore(path)) !== null) {
    throw new WalletError('WALLET_INVALID', `there is a wallet at ${path} already`, {
      fix: 'Use it, or move it away first.',
      details: { path },
    })
  }
  const { address, privateKey } = EthersWallet.createRandom()
  const keystore = await encryptKeystoreJson({ address, privateKey }, password, { scrypt: SCRYPT })
  await writePrivateFile(path, `${keystore}\n`)
  return new Wallet(privateKey)
}

/**
 * Unlocks a keystore.
 * @throws {WalletError} WALLET_MISSING, WALLET_INVALID, WALLET_PASSWORD_WRONG
 */
export async function openWallet(path: string, password: string): Promise<Wallet> {
  const keystore = await readKeystore(path)
  if (keystore === null) {
    throw new WalletError('WALLET_MISSING', `there is no wallet at ${path}`, {
      fix: 'Run shoal init, or copy your keystore there.',
      details: { path },
    })
  }
  if (!isKeystoreJson(keystore)) {
    throw new WalletError('WALLET_INVALID', `${path} is no wallet keystore`, {
      fix: 'Restore it from a backup.',
      details: { path },
    })
  }
  try {
    return new Wallet((await decryptKeystoreJson(keystore, password)).privateKey)
  } catch {
    // The cause is left out: it would carry the keystore, and what was tried, into logs.
    throw new WalletError('WALLET_PASSWORD_WRONG', `the password does not open the wallet at ${path}`, {
      fix: 'Set SHOAL_WALLET_PASSWORD, or point --password-file to a file with the right one.',
      details: { path },
    })
  }
}

/** The address a keystore names, without its password; null when there is none. */
export async function keystoreAddress(path: string): Promise<Address | null> {
  const keystore = await readKeystore(path)
  if (keystore === null || !isKeystoreJson(keystore)) return null
  const { address } = JSON.parse(keystore) as { address: string }
  return `0x${address.replace(/^0x/, '').toLowerCase()}`
}

/**
 * The password in a file, without the line break at its end.
 * @throws {WalletError} WALLET_PASSWORD_MISSING
 */
export async function readPasswordFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  } catch (cause) {
    throw new WalletError('WALLET_PASSWORD_MISSING', `the password file ${path} cannot be read`, {
      fix: 'Check the path, or set SHOAL_WALLET_PASSWORD.',
      details: { path },
      cause,
    })
  }
}

async function readKeystore(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** ethers computes scrypt in JavaScript, on the event loop, for seconds; OpenSSL does it on another thread in 0.4 s. */
function useOpensslForScrypt(): void {
  scrypt.register(
    (password, salt, N, r, p, dkLen) =>
      new Promise((resolve, reject) => {
        opensslScrypt(password, salt, dkLen, { N, r, p, maxmem: 256 * N * r }, (error, key) => {
          if (error) reject(error)
          else resolve(`0x${key.toString('hex')}`)
        })
      }),
  )
}
