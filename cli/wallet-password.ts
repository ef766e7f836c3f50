import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Config } from '../node/config/settings.ts'
import { type DataDir, writePrivateFile } from '../node/data-dir.ts'
import { readPasswordFile, WalletError } from '../node/payments/wallet.ts'
import { ShoalError } from '../protocol/errors.ts'

/**
 * The wallet's password: from SHOAL_WALLET_PASSWORD, the file named, the file in the data folder, or asked
 * for in a terminal.
 * @throws {WalletError} WALLET_PASSWORD_MISSING
 */
export async function findPassword(config: Config, dataDir: DataDir): Promise<string> {
  const known = (await givenPassword(config)) ?? (await keptPassword(dataDir))
  if (known !== null) return known
  if (canAsk()) return askPassword('Password of the wallet:')
  throw new WalletError('WALLET_PASSWORD_MISSING', 'the wallet needs its password', {
    fix: 'Set SHOAL_WALLET_PASSWORD, or name a file with --password-file.',
  })
}

/**
 * The password the settings name, for a new wallet as for an old one; null when they name none.
 * @throws {WalletError} WALLET_PASSWORD_MISSING
 */
export async function givenPassword(config: Config): Promise<string | null> {
  if (config['wallet.password'] !== null) return config['wallet.password']
  return config['wallet.passwordFile'] === null ? null : readPassword(config['wallet.passwordFile'])
}

/** The password in the data folder; null when there is none. */
export async function keptPassword(dataDir: DataDir): Promise<string | null> {
  return (await exists(dataDir.walletPassword)) ? readPassword(dataDir.walletPassword) : null
}

/** Whether somebody sits there to be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

async function readPassword(path: string): Promise<string> {
  const password = await readPasswordFile(path)
  if (password !== '') return password
  throw new WalletError('WALLET_PASSWORD_MISSING', `the password file ${path} is empty`, {
    fix: 'Write the password into its first line, or name another file with --password-file.',
    details: { path },
  })
}

/**
 * Asks for a password without showing it.
 * @throws {ShoalError} CANCELLED on Ctrl-C
 */
export async function askPassword(message: string): Promise<string> {
  const { default: ask } = await import('@inquirer/password')
  try {
    return await ask({ message, mask: true }, { output: process.stderr })
  } catch (cause) {
    throw new ShoalError('CANCELLED', 'no password was given', { cause })
  }
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
