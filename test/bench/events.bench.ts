import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Level } from 'level'
import { systemClock } from '../../node/clock.ts'
import { EventJournal } from '../../node/events/journal.ts'
import { feedFromNode } from '../../node/events/node-feed.ts'
import { createLogger } from '../../node/log.ts'
import { NodeEvents } from '../../node/node-events.ts'
import { Store } from '../../node/store/store.ts'
import { type Bench, type BenchRow, median, valueRow } from './row.ts'

const RATE_ROW = 'events.rate'
const P95_ROW = 'events.p95'
const MEMORY_ROW = 'gateway.sse.memory'
const SERVER = fileURLToPath(new URL('./events/server.ts', import.meta.url))
const CLIENTS = fileURLToPath(new URL('./events/clients.ts', import.meta.url))
const EVENTS = 60_000
const ROUNDS = 3
const PER_SECOND = 10_000
/** Told in one turn. */
const BURST = 100
const IDLE_CLIENTS = 10_000
const MEBIBYTE = 1_048_576
const ANSWER_WITHIN_MS = 60_000

/** What a node tells, kept in order on disk and brought to readers. */
export const eventsBench: Bench = {
  rows: [RATE_ROW, P95_ROW, MEMORY_ROW],
  async run(wanted) {
    const rows: BenchRow[] = []
    if (wanted(RATE_ROW)) rows.push(await rateRow())
    if (wanted(P95_ROW)) rows.push(await p95Row())
    if (wanted(MEMORY_ROW)) rows.push(await memoryRow())
    return rows
  },
}

async function rateRow(): Promise<BenchRow> {
  const rates: number[] = []
  const bare: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    rates.push(await inFolder(journalRate))
    bare.push(await inFolder(bareRate))
  }
  return valueRow(
    {
      name: RATE_ROW,
      unit: 'events/s',
      value: median(rates),
      baseline: median(bare),
      note: `${EVENTS} node events from tell to a reader in the process, each synced to disk before; beside as many JSON texts put into a bare LevelDB, synced in batches of ${BURST}; the median of ${ROUNDS} rounds`,
    },
    { atLeast: PER_SECOND },
  )
}

/** Events told, kept and read each second, as fast as it goes without losing any. */
async function journalRate(folder: string): Promise<number> {
  const store = await Store.open(folder)
  const journal = await EventJournal.open(
    {},
    { store, clock: systemClock, log: createLogger({ level: 'warn' }) },
  )
  const events = new NodeEvents()
  feedFromNode(events, journal)
  const reader = journal.reader()
  let last = 0
  const startMs = performance.now()
  const reading = (async () => {
    while (last < EVENTS) {
      const page = await reader.next()
      for (const { sequence } of page!.events) {
        if (sequence !== ++last) throw new Error(`event ${sequence} came in the place of ${last}`)
      }
    }
  })()
  for (let told = 0; told < EVENTS; told += BURST) {
    for (let n = 0; n < BURST; n++) events.tell(eventOf(told + n))
    await new Promise(resolve => setImmediate(resolve))
    // As many as may wait.
    if (told % 20_000 === 0) await journal.flushed()
  }
  await reading
  const seconds = (performance.now() - startMs) / 1_000
  await journal.stop()
  await store.close()
  return EVENTS / seconds
}

async function bareRate(folder: string): Promise<number> {
  const level = new Level<string, string>(folder)
  await level.open()
  const startMs = performance.now()
  for (let told = 0; told < EVENTS; told += BURST) {
    await level.batch(
      Array.from({ length: BURST }, (_, n) => ({
        type: 'put' as const,
        key: String(told + n).padStart(16, '0'),
        value: JSON.stringify(eventOf(told + n)),
      })),
      { sync: true },
    )
  }
  const seconds = (performance.now() - startMs) / 1_000
  await level.close()
  return EVENTS / seconds
}

function eventOf(n: number) {
  return {
    type: 'warning',
    code: 'BENCH',
    message: `event ${n} of the benchmark`,
    fix: 'None is needed.',
  } as const
}

async function p95Row(): Promise<BenchRow> {
  const count = 5 * PER_SECOND
  const latency = async (kind: 'node' | 'bare') => {
    const server = await Child.start([SERVER, kind])
    const { url } = (await server.next()) as { url: string }
    const clients = await Child.start([CLIENTS, url, '1'])
    await clients.next()
    // What the first ones compile and open is not what the rest wait for.
    for (const expect of [count / 10, count]) {
      clients.send({ expect })
      await clients.next()
      server.send({ tell: { count: expect, perSecond: PER_SECOND } })
      const seen = (await clients.next()) as { p50: number; p95: number; max: number }
      if (expect < count) continue
      await clients.stop()
      await server.end()
      return seen
    }
    throw new Error('unreachable')
  }
  const [ours, bare] = [await latency('node'), await latency('bare')]
  return valueRow(
    {
      name: P95_ROW,
      unit: 'ms',
      value: ours.p95,
      baseline: bare.p95,
      note: `from a node's tell to a reader of its server-sent events in another process at ${PER_SECOND} events/s (p50 ${ours.p50.toFixed(1)} ms, most ${ours.max.toFixed(0)} ms), each synced to disk before; beside a bare server that writes what it is told`,
    },
    { atMost: 100 },
  )
}

async function memoryRow(): Promise<BenchRow> {
  const held = async (kind: 'node' | 'bare') => {
    const server = await Child.start([SERVER, kind])
    const { url } = (await server.next()) as { url: string }
    const rss = async () => {
      server.send({ memory: true })
      return ((await server.next()) as { rss: number }).rss
    }
    const before = await rss()
    const clients = await Child.start([CLIENTS, url, String(IDLE_CLIENTS)])
    const { connected } = (await clients.next()) as { connected: number }
    const idle = await rss()
    // All of them are alive: one event reaches each.
    clients.send({ expect: 1 })
    await clients.next()
    server.send({ tell: { count: 1, perSecond: 1_000 } })
    const { reached } = (await clients.next()) as { reached: number }
    if (connected !== IDLE_CLIENTS || reached !== IDLE_CLIENTS)
      throw new Error(`${connected} connected, ${reached} reached`)
    const after = await rss()
    await clients.stop()
    await server.end()
    return { grown: (Math.max(idle, after) - before) / MEBIBYTE, all: Math.max(idle, after) / MEBIBYTE }
  }
  const [ours, bare] = [await held('node'), await held('bare')]
  return valueRow(
    {
      name: MEMORY_ROW,
      unit: 'MiB',
      value: ours.grown,
      baseline: bare.grown,
      note: `resident memory by which a node grows with ${IDLE_CLIENTS} idle clients of /api/events, each reached by an event then (${Math.round(ours.all)} MiB in all); beside a bare server of node:http that holds as many`,
    },
    { atMost: 500 },
  )
}

/** A program of its own with as many open files as the system allows, that talks in messages. */
class Child {
  readonly #process: ChildProcess
  readonly #messages: unknown[] = []
  #wake: (() => void) | null = null
  #exit: number | null | undefined

  private constructor(child: ChildProcess) {
    this.#process = child
    child.on('message', message => {
      this.#messages.push(message)
      this.#wake?.()
    })
    child.once('exit', code => {
      this.#exit = code
      this.#wake?.()
    })
  }

  static async start(args: readonly string[]): Promise<Child> {
    const child = spawn(
      'sh',
      ['-c', 'ulimit -n "$(ulimit -Hn)"; exec "$@"', 'sh', process.execPath, ...args],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    )
    await once(child, 'spawn')
    return new Child(child)
  }

  send(message: object): void {
    this.#process.send(message)
  }

  async next(): Promise<unknown> {
    const timer = setTimeout(() => this.#process.kill(), ANSWER_WITHIN_MS)
    while (this.#messages.length === 0) {
      if (this.#exit !== undefined) throw new Error(`a process ended with ${this.#exit}`)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    clearTimeout(timer)
    return this.#messages.shift()
  }

  /** Has it end by itself. */
  async end(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.send({ stop: true })
    await ended
  }

  async stop(): Promise<void> {
    if (this.#exit !== undefined) return
    const ended = once(this.#process, 'exit')
    this.#process.kill()
    await ended
  }
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  try {
    return await work(join(folder, 'store'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
