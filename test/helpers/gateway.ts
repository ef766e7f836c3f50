import { systemClock } from '../../node/clock.ts'
import type { SettingKey } from '../../node/config/settings.ts'
import { Gateway } from '../../node/gateway/http/gateway.ts'
import { ServedModels } from '../../node/gateway/served-models.ts'
import type { TestNetwork, TestNode } from './nodes.ts'

/** A node of a test network with its door open on loopback. */
export interface TestGateway {
  gateway: Gateway
  node: TestNode
  /** `http://127.0.0.1:…/v1`. */
  v1: string
  stop(): Promise<void>
}

/** Opens the door of a node, on a port of its own. */
export async function openGateway(node: TestNode): Promise<TestGateway> {
  const gateway = new Gateway(
    { listen: '127.0.0.1:0' },
    {
      node: node.node,
      served: new ServedModels(node.node.events),
      shutDown: () => {},
      clock: systemClock,
    },
  )
  await gateway.start()
  return { gateway, node, v1: `${gateway.url}/v1`, stop: () => gateway.stop() }
}

/** A provider, and somebody who asks it through a gateway. */
export async function gatewayNetwork(
  network: TestNetwork,
  flags: Partial<Record<SettingKey, unknown>> = {},
): Promise<{ provider: TestNode; door: TestGateway }> {
  const asker = await network.node({ 'models.serve': '', ...flags })
  const provider = await network.node({ 'p2p.bootstrap': asker.address })
  await asker.knows(provider)
  return { provider, door: await openGateway(asker) }
}
