import { type ComponentType, type LazyExoticComponent, lazy } from 'react'
import type { IconName } from '../design/icon.tsx'

export interface Page {
  /** First part of the path; empty for the start. */
  id: string
  title: string
  icon: IconName
  component: LazyExoticComponent<ComponentType>
  /** Begins to load the page's code: on hover and focus, so that a click finds it there. */
  preload(): void
}

type Load = () => Promise<{ default: ComponentType }>

function page(id: string, title: string, icon: IconName, load: Load): Page {
  return { id, title, icon, component: lazy(load), preload: () => void load().catch(() => {}) }
}

/** All pages in the order of the navigation; each comes as code of its own. */
export const PAGES: readonly Page[] = [
  page('', 'Ask', 'ask', () => import('../pages/ask/ask-page.tsx')),
  page('network', 'Network', 'network', () => import('../pages/network/network-page.tsx')),
  page('wallet', 'Wallet', 'wallet', () => import('../pages/wallet/wallet-page.tsx')),
  page('earn', 'Earn', 'earn', () => import('../pages/earn/earn-page.tsx')),
  page('learn', 'Learn', 'learn', () => import('../pages/learn/learn-page.tsx')),
  page('proof', 'Proof', 'proof', () => import('../pages/proof/proof-page.tsx')),
  page('settings', 'Settings', 'settings', () => import('../pages/settings/settings-page.tsx')),
]
