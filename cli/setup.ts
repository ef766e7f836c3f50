import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { CONFIG_FILE } from '../node/config/load.ts'
import { type DataDir, ensureDataDir, writePrivateFile } from '../node/data-dir.ts'
import { loadOrCreateNodeKey } from '../node/identity.ts'
import { createWallet, keystoreAddress } from '../node/payments/wallet.ts'
import { Store } from '../node/store/store.ts'
import { createNodeSigner } from '../protocol/identity.ts'
import { peerIdFromPublicKey } from '../protocol/ids.ts'
import { exists, keepMadeUpPassword, keptPassword } from './wallet-password.ts'

/** What a data folder has, and which of it was made now. */
export interface NodeSetup {
  dataDir: string
  peerId: string
  wallet: string
  /** Where its password is kept; null when only its owner knows it. */
  passwordFile: string | null
  config: string
  made: ('node key' | 'wallet' | 'password file' | 'config')[]
}

const CONFIG_TEMPLATE = `# Settings of this node. Every line is optional; "shoal config check" shows all there are and what is in effect.
version: 1

# The chain: a JSON-RPC URL, or "local" for a chain of your own inside this node.
# chain:
#   rpc: local

# Nodes to join the network by.
# p2p:
#   bootstrap: []

# What to offer, and at which price (credits per million tokens).
# models:
#   serve: [shoal-mini]
# price:
#   input: "0.25"
#   output: "1"

# What this node may spend by itself.
# spending:
#   limitPerDay: "10"
`

/**
 * Makes the data folder where there is none, and makes sure that this user may use it.
 * @throws {Error} what the operating system says, with the path
 */
export async function openDataDir(dataDir: DataDir): Promise<void> {
  await ensureDataDir(dataDir)
  await access(dataDir.root, constants.R_OK | constants.W_OK | constants.X_OK)
}

/**
 * Makes what a node needs and its folder lacks; never touches what is there.
 * @param choosePassword asked only when a wallet is to be made; null: make one up and keep it in a file
 * @throws {StoreError} DATA_IN_USE when another program is at it
 */
export async function setUpNode(
  dataDir: DataDir,
  choosePassword: () => Promise<string | null>,
): Promise<NodeSetup> {
  await openDataDir(dataDir)
  const made: NodeSetup['made'] = []
  const hasKeys = (await exists(dataDir.nodeKey)) && (await exists(dataDir.wallet))
  // Two that begin at once would overwrite each other's keys.
  const lock = hasKeys ? null : await Store.open(dataDir.store)
  try {
    const { seed, created } = await loadOrCreateNodeKey(dataDir.nodeKey)
    if (created) made.push('node key')
    let wallet = await keystoreAddress(dataDir.wallet)
    if (wallet === null) {
      let password = await choosePassword()
      if (password === null) {
        const kept = await keptPassword(dataDir)
        if (kept === null) made.push('password file')
        password = kept ?? (await keepMadeUpPassword(dataDir))
      }
      wallet = (await createWallet(dataDir.wallet, password)).address
      made.push('wallet')
    }
    const config = join(dataDir.root, CONFIG_FILE)
    if (!(await exists(config))) {
      await writePrivateFile(config, CONFIG_TEMPLATE)
      made.push('config')
    }
    const peerId = peerIdFromPublicKey(createNodeSigner(seed).publicKey)
    const passwordFile = (await exists(dataDir.walletPassword)) ? dataDir.walletPassword : null
    return { dataDir: dataDir.root, peerId, wallet, passwordFile, config, made }
  } finally {
    await lock?.close()
  }
}
