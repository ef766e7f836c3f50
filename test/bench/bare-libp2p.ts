import { randomBytes } from 'node:crypto'
import { createLibp2p } from 'libp2p'
import { libp2pConfig } from '../../node/p2p/host-config.ts'

/** What anybody has who runs the same libp2p stack and nothing of ours: started by the node bench as a process. */
const node = await createLibp2p({
  ...libp2pConfig(
    {
      seed: randomBytes(32),
      network: 'bench',
      scope: 'local',
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      mdns: false,
      relay: false,
      dataDir: null,
    },
    { isWelcome: () => true, gossipScore: () => 0 },
  ),
})
await node.start()
process.stdout.write(`${JSON.stringify({ type: 'ready' })}\n`)
