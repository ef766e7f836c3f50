import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemClock } from '../../../node/clock.ts'
import { ConsumerGroups } from '../../../node/events/consumer-groups.ts'
import { EventJournal } from '../../../node/events/journal.ts'
import { feedFromNode } from '../../../node/events/node-feed.ts'
import { eventRoutes } from '../../../node/gateway/api/event-routes.ts'
import { createLogger } from '../../../node/log.ts'
import type { ShoalNode } from '../../../node/node.ts'
import { NodeEvents } from '../../../node/node-events.ts'
import { Store } from '../../../node/store/store.ts'
import { gatewayApp } from '../../helpers/gateway-app.ts'

/**
 * Serves events over HTTP, as a process of its own: with `journal` from a node's events through its journal, with `bare`
 * from a plain server that writes to whoever is connected. Told by its parent what to tell; answers how much memory it has.
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
const { url, tell, stop } = await (kind === 'bare' ? bare() : journaled())
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

async function journaled() {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  const store = await Store.open(join(folder, 'store'))
  const log = createLogger({ level: 'warn' })
  const journal = await EventJournal.open({}, { store, clock: systemClock, log })
  const groups = await ConsumerGroups.open({}, { journal, store, clock: systemClock })
  const events = new NodeEvents()
  feedFromNode(events, journal)
  const node = { parts: { eventDesk: { journal, groups } } } as unknown as ShoalNode
  const app = await gatewayApp({ node, log }, [eventRoutes])
  return {
    url: `${app.url}/api/events`,
    // An event of a node, with when it was told in the place of its text.
    tell: (atMs: number) => events.tell({ type: 'warning', code: 'BENCH', message: String(atMs) }),
    stop: async () => {
      await app.stop()
      groups.stop()
      await journal.stop()
      await store.close()
      await rm(folder, { recursive: true, force: true })
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
