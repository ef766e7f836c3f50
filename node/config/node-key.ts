import { bytesToHex } from '@noble/hashes/utils.js'
import { NODE_KEY_PATTERN, type NodeKey, publicKeyFromPeerId } from '../../protocol/ids.ts'
import { ConfigError } from './errors.ts'

/**
 * The node key of a node that a setting names by PeerId or key.
 * @throws {ConfigError} CONFIG_BAD_VALUE when it is neither
 */
export function nodeKeyFrom(text: string, setting: string): NodeKey {
  if (NODE_KEY_PATTERN.test(text)) return text
  try {
    return bytesToHex(publicKeyFromPeerId(text))
  } catch {
    throw new ConfigError('CONFIG_BAD_VALUE', `${setting}: ${text} is no PeerId`, {
      fix: 'Write it as shoal peers shows it.',
      details: { key: setting },
    })
  }
}
