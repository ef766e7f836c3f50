import type { MakePayer } from '../data/payer.ts'
import { refreshMe } from '../data/session.ts'

/**
 * Answers are paid from a channel where a wallet is signed in; nothing of the wallet's code is loaded where none is.
 * Who is somebody else to the node, its owner for one, pays in another way.
 */
export const payFromWallet: MakePayer = async terms => {
  const me = await refreshMe()
  if (me?.via !== 'session' || me.wallet === null) return null
  const { browserWallet } = await import('./browser-wallet.ts')
  return (await browserWallet()).payFor(me.wallet, terms)
}
