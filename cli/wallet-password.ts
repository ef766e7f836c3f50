import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Config } from '../node/config/settings.ts'
import { type DataDir, writePrivateFile } from '../node/data-dir.ts'
import { readPasswordFile, WalletError } from '../node/payments/wallet.ts'

/**
 * The wallet's password: from SHOAL_WALLET_PASSWORD, the file named, the file in the data folder, or asked
 * for in a terminal.
 * @throws {WalletError} WALLET_PASSWORD_MISSING
 */
export async function findPassword(config: Config, dataDir: DataDir): Promise<string> {
  if (config['wallet.password'] !== null) return config['wallet.password']
  if (config['wallet.passwordFile'] !== null) return readPasswordFile(config['wallet.passwordFile'])
  if (await exists(dataDir.walletPassword)) return readPasswordFile(dataDir.walletPassword)
  if (process.stdin.isTTY && process.stderr.isTTY) return askPassword('Password of the wallet:')
  throw new WalletError('WALLET_PASSWORD_MISSING', 'the wallet needs its password', {
    fix: 'Set SHOAL_WALLET_PASSWORD, or name a file with --password-file.',
  })
}

/** Asks for a password without showing it. */
export async function askPassword(message: string): Promise<string> {
  const { default: ask } = await import('@inquirer/password')
  return ask({ message, mask: true }, { output: process.stderr })
}

/** Makes up a password and keeps it in the data folder, for a node that must start by itself. */
export async function keepMadeUpPassword(dataDir: DataDir): Promise<string> {
  const password = randomBytes(24).toString('base64url')
  await writePrivateFile(dataDir.walletPassword, `${password}\n`)
  return password
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}
