import { createECDH } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { keccak256 } from '@nomicfoundation/edr'

/** The account that has the chain's first money, deploys the contracts and fills wallets. */
export interface DeployerKey {
  /** Hex with 0x. */
  privateKey: string
  /** Lower-case hex with 0x. */
  address: string
}

const KEY_PATTERN = /^0x[0-9a-f]{64}\n$/

/**
 * Reads the key of a folder. Each folder has a random one: a key that everybody knows would let any process on the
 * machine take the credits.
 * @returns undefined when the file is not there or is not a key
 */
export async function readDeployerKey(path: string): Promise<DeployerKey | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return KEY_PATTERN.test(text) ? keyOf(text.trim()) : undefined
}

/** Makes a key and writes it so that only the user can read it. */
export async function createDeployerKey(path: string): Promise<DeployerKey> {
  const ecdh = createECDH('secp256k1')
  ecdh.generateKeys()
  const privateKey = `0x${ecdh.getPrivateKey('hex').padStart(64, '0')}`
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(`${privateKey}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  return keyOf(privateKey)
}

/** Address: the last 20 bytes of keccak256 of the public key's two coordinates. */
function keyOf(privateKey: string): DeployerKey {
  const ecdh = createECDH('secp256k1')
  ecdh.setPrivateKey(privateKey.slice(2), 'hex')
  const coordinates = ecdh.getPublicKey().subarray(1)
  return { privateKey, address: `0x${Buffer.from(keccak256(coordinates)).toString('hex').slice(-40)}` }
}
