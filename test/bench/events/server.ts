import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Gateway } from '../../../node/gateway/http/gateway.ts'
import { ServedModels } from '../../../node/gateway/served-models.ts'
import { TestNetwork } from '../../helpers/nodes.ts'

/**
 * Serves events over HTTP, as a process of its own: with `node` those of a whole node by its gateway, with `bare` those
 * of a plain server that writes to whoever is connected. Told by its parent what to tell; answers how much memory it has.
 */
interface Told {
  /** Tells so many events of this many each second. */
  tell?: { count: number; perSecond: number }
  memory?: true
  stop?: true
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const kind = process.argv[2]
const { url, tell, stop } = await (kind === 'bare' ? bare() : whole())
process.on('message', (told: Told) => {
  if (told.tell !== undefined) tellAll(told.tell)
  if (told.memory === true) {
    collect()
    process.send!({ rss: process.memoryUsage.rss() })
  }
  if (told.stop === true) void stop().then(() => process.exit())
})
process.send!({ url })

function tellAll({ count, perSecond }: { count: number; perSecond: number }): void {
  const startMs = performance.now()
  let told = 0
  const turn = () => {
    const due = Math.min(count, Math.ceil(((performance.now() - startMs) / 1_000) * perSecond))
    for (; told < due; told++) tell(performance.timeOrigin + performance.now())
    if (told < count) setTimeout(turn, 1)
  }
  turn()
}

async function whole() {
  const network = new TestNetwork()
  await network.start()
  const { node } = await network.node({ 'models.serve': '' })
  const served = new ServedModels(node.events)
  const gateway = new Gateway({ listen: '127.0.0.1:0' }, { node, served, shutDown: () => {} })
  await gateway.start()
  return {
    url: `${gateway.url}/api/events`,
    // An event of the node, with when it was told in the place of its text.
    tell: (atMs: number) => node.events.tell({ type: 'warning', code: 'BENCH', message: String(atMs) }),
    stop: async () => {
      await gateway.stop()
      await network.stop()
    },
  }
}

async function bare() {
  const open = new Set<ServerResponse>()
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    open.add(response)
    response.once('close', () => open.delete(response))
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  let id = 0
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tell: (atMs: number) => {
      const data = { type: 'warning', data: { code: 'BENCH', message: String(atMs) } }
      const text = `event: system\nid: ${++id}\ndata: ${JSON.stringify(data)}\n\n`
      for (const response of open) response.write(text)
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
