import { join } from 'node:path'
import { CONFIG_FILE } from '../node/config/load.ts'
import { type DataDir, ensureDataDir, writePrivateFile } from '../node/data-dir.ts'
import { loadOrCreateNodeKey } from '../node/identity.ts'
import { createWallet, keystoreAddress } from '../node/payments/wallet.ts'
import { createNodeSigner } from '../protocol/identity.ts'
import { peerIdFromPublicKey } from '../protocol/ids.ts'
import { exists, keepMadeUpPassword } from './wallet-password.ts'

/** What a data folder has, and which of it was made now. */
export interface NodeSetup {
  dataDir: string
  peerId: string
  wallet: string
  config: string
  made: ('node key' | 'wallet' | 'password file' | 'config')[]
}

const CONFIG_TEMPLATE = `# Settings of this node. Every line is optional; "shoal config check" shows what is in effect.
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
 * Makes what a node needs and its folder lacks; never touches what is there.
 * @param choosePassword asked only when a wallet is to be made; null: make one up and keep it in a file
 */
export async function setUpNode(
  dataDir: DataDir,
  choosePassword: () => Promise<string | null>,
): Promise<NodeSetup> {
  await ensureDataDir(dataDir)
  const made: NodeSetup['made'] = []
  const { seed, created } = await loadOrCreateNodeKey(dataDir.nodeKey)
  if (created) made.push('node key')
  let wallet = await keystoreAddress(dataDir.wallet)
  if (wallet === null) {
    let password = await choosePassword()
    if (password === null) {
      password = await keepMadeUpPassword(dataDir)
      made.push('password file')
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
  return { dataDir: dataDir.root, peerId, wallet, config, made }
}
