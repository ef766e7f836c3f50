import { readFile } from 'node:fs/promises'
import { usageError } from './context.ts'

/** Reads the file of `--key-file`: a private key in hex. @throws {ShoalError} USAGE */
export async function readKeyFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const key = text.trim()
  if (/^(0x)?[0-9a-fA-F]{64}$/.test(key)) return key.startsWith('0x') ? key : `0x${key}`
  throw usageError(`${path} holds no private key`, 'It holds 64 hex digits and nothing else.')
}
