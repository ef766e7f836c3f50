import { z } from 'zod'
import { ADDRESS_PATTERN, type Address } from '../../../../../protocol/ids.ts'
import { WalletPageError } from './errors.ts'

/** The contracts the page itself talks to, and their chain. */
export interface PageDeployment {
  chainId: number
  deploymentBlock: number
  creditToken: Address
  settlement: Address
  auditAnchor: Address
  nodeRegistry: Address
}

const address = z.string().toLowerCase().regex(ADDRESS_PATTERN)

const schema = z.object({
  chainId: z.int().min(1),
  deploymentBlock: z.int().min(0).default(0),
  creditToken: address,
  settlement: address,
  auditAnchor: address,
  nodeRegistry: address,
})

/** As node views show one: `{chainId, deploymentBlock, addresses: {…}}`. @throws {WalletPageError} NODE_ANSWER_INVALID */
export function readDeployment(view: unknown): PageDeployment {
  const { addresses, ...rest } = (view ?? {}) as { addresses?: object }
  const parsed = schema.safeParse({ ...rest, ...addresses })
  if (parsed.success) return parsed.data
  throw new WalletPageError('NODE_ANSWER_INVALID', 'the node does not say where the contracts are', {
    fix: 'Wait until its chain answers, then load the page again.',
  })
}

/** A place for small texts that stay: `localStorage`. */
export interface TextStore {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/**
 * The contracts a node names are believed the first time, and remembered. A node that later names others for the same
 * chain would have money sent to them: the page stops and says so until the person has agreed to the new ones.
 */
export class DeploymentPin {
  readonly #store: TextStore

  constructor(store: TextStore) {
    this.#store = store
  }

  /** What this browser knows of a chain; null before the first time, and where nothing can be read. */
  known(chainId: number): PageDeployment | null {
    try {
      const text = this.#store.getItem(keyOf(chainId))
      return text === null ? null : schema.parse(JSON.parse(text))
    } catch {
      return null
    }
  }

  /** Remembers it, in place of what was known. */
  trust(deployment: PageDeployment): void {
    try {
      this.#store.setItem(keyOf(deployment.chainId), JSON.stringify(deployment))
    } catch {
      // A browser that keeps nothing asks each time.
    }
  }

  /** @returns whether it is new to this browser @throws {WalletPageError} DEPLOYMENT_CHANGED */
  check(deployment: PageDeployment): { isNew: boolean } {
    const known = this.known(deployment.chainId)
    if (known === null) return { isNew: true }
    const names = ['creditToken', 'settlement', 'auditAnchor', 'nodeRegistry'] as const
    const changed = names.filter(name => known[name] !== deployment[name])
    if (changed.length === 0) return { isNew: false }
    throw new WalletPageError(
      'DEPLOYMENT_CHANGED',
      `the node names other contracts on chain ${deployment.chainId} than this browser has used so far`,
      {
        fix: 'Ask whoever runs the node. Agree to the new ones only if the move has been announced.',
        details: {
          changed,
          known: changed.map(name => known[name]),
          named: changed.map(name => deployment[name]),
        },
      },
    )
  }
}

function keyOf(chainId: number): string {
  return `shoal.deployment.${chainId}`
}
