import type { Gateway, GatewayModules } from './gateway.ts'
import { isLoopback, listenAddress } from './listen-address.ts'

/** The open door, as commands show it. */
export interface DoorView {
  /** Without a slash at its end. */
  url: string
  /** Whether this machine alone can reach it. */
  isLoopback: boolean
  /** Signs the owner in on the page, once; null where none was asked for. */
  ownerLink: string | null
}

/** Opens a node's gateway when it is wanted, once. */
export class Door {
  readonly #modules: GatewayModules
  #gateway: Gateway | null = null
  #opening: Promise<DoorView> | null = null
  #isStopped = false

  constructor(modules: GatewayModules) {
    this.#modules = modules
  }

  /** Null while it is closed. */
  get view(): DoorView | null {
    if (this.#gateway === null) return null
    const { url } = this.#gateway
    const isLocal = isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, ''))
    return { url, isLoopback: isLocal, ownerLink: null }
  }

  /** The same, with a new link for the owner, who alone may be told; null while it is closed. */
  invite(): DoorView | null {
    const { view } = this
    if (view === null) return null
    const { token } = this.#modules.node.parts.accounts.ownerTokens.make()
    return { ...view, ownerLink: `${view.url}/#owner=${token}` }
  }

  /**
   * Opens it, or says where it is open already.
   * @param listen `host:port`
   * @throws {GatewayError} GATEWAY_UNPROTECTED, GATEWAY_CANNOT_LISTEN
   */
  open(listen: string): Promise<DoorView> {
    this.#opening ??= this.#open(listen).finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  /** Closes it. Idempotent; ends within three seconds. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#opening?.catch(() => {})
    await this.#gateway?.stop()
    this.#gateway = null
  }

  async #open(listen: string): Promise<DoorView> {
    if (this.view !== null) return this.view
    listenAddress(listen)
    // Every API with its libraries, which a node without a door starts sooner and smaller without.
    const { Gateway } = await import('./gateway.ts')
    const gateway = new Gateway({ listen }, this.#modules)
    await gateway.start()
    this.#gateway = gateway
    if (this.#isStopped) await gateway.stop()
    return this.view!
  }
}
