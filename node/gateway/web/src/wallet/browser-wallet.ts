import { useSyncExternalStore } from 'react'
import { requestJson } from '../data/http.ts'
import { WalletDiscovery } from './discovery.ts'
import { IndexedDbChannelStore } from './indexed-db-store.ts'
import { PageWallet, type PageWalletState } from './page-wallet.ts'

let opened: Promise<PageWallet> | null = null

/** The page's one wallet, made when it is first wanted. */
export function browserWallet(): Promise<PageWallet> {
  opened ??= open()
  return opened
}

async function open(): Promise<PageWallet> {
  const wallet = new PageWallet({
    discovery: new WalletDiscovery(window),
    store: await IndexedDbChannelStore.open(),
    texts: localStorage,
    request: requestJson,
    nowMs: () => Date.now(),
    random: bytes => crypto.getRandomValues(new Uint8Array(bytes)),
    pause: ms => new Promise(resolve => setTimeout(resolve, ms)),
    place: { host: location.host, origin: location.origin },
  })
  wallet.start()
  return wallet
}

export function useWalletState(wallet: PageWallet): PageWalletState {
  return useSyncExternalStore(
    tell => wallet.subscribe(tell),
    () => wallet.state,
  )
}
