import { wordlists } from 'ethers'

/** Whether recovery phrases of wallets may have a word (BIP-39, English). */
export function isRecoveryWord(word: string): boolean {
  return wordlists.en!.getWordIndex(word) >= 0
}
