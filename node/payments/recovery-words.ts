import { Mnemonic, wordlists } from 'ethers'

/** Whether recovery phrases of wallets may have a word (BIP-39, English). */
export function isRecoveryWord(word: string): boolean {
  return wordlists.en!.getWordIndex(word) >= 0
}

/** Whether words are the recovery phrase of a wallet, by its checksum. */
export function isRecoveryPhrase(words: readonly string[]): boolean {
  return Mnemonic.isValidMnemonic(words.join(' '))
}
