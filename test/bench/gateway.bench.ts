import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DemoNode } from '../../cli/demo/demo-node.ts'
import { dataDirAt } from '../../node/data-dir.ts'
import type { DoorView } from '../../node/gateway/http/door.ts'
import { load, type Sample } from './gateway/load.ts'
import { type Bench, type BenchRow, valueRow } from './row.ts'

/** Percentiles and what litellm says of itself, ms (docs.litellm.ai, "Benchmarks": overhead at 1,000 users, 4 instances). */
const GOALS = { p50: 2, p95: 8, p99: 13 } as const
type Percentile = keyof typeof GOALS
const PERCENTILES = Object.keys(GOALS) as Percentile[]

const LOADS = [
  { streams: 1, requests: 120, tokens: 6 },
  { streams: 8, requests: 320, tokens: 24 },
  { streams: 64, requests: 1_024, tokens: 32 },
] as const
/** Each way takes its turns, so that what else the machine does falls on all of them. */
const ROUNDS = 2
/** As a service that has run for a minute: V8 has compiled what is used. */
const WARM_UP = { streams: 64, requests: 1_024, tokens: 8, seed: 99 }
const BURST_ROW = 'gateway.burst'
/** So that the last of them waits no longer than people notice. */
const BURST_GOAL_MS = 100
const BURST = { streams: 64, tokens: 8, times: 6 }

const nameOf = (percentile: Percentile, streams: number) => `gateway.${percentile}.${streams}`

/**
 * Streamed chats at a service, asked for directly, through a bare proxy, and through a node's gateway: what the way there
 * and back of the first token takes beyond the direct way's median. Through the gateway that is reading and checking the
 * request, choosing a provider, setting money aside on disk, and writing the answer anew.
 */
export const gatewayBench: Bench = {
  rows: [
    ...LOADS.flatMap(({ streams }) => PERCENTILES.map(percentile => nameOf(percentile, streams))),
    BURST_ROW,
  ],
  async run(wanted) {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
    const upstream = await start('upstream')
    const proxy = await start('proxy', upstream.url)
    const services = join(folder, 'services.json')
    await writeFile(services, JSON.stringify(servicesAt(upstream.url)))
    const node = new DemoNode({
      name: 'gateway',
      dataDir: dataDirAt(join(folder, 'node')),
      flags: [
        ['--no-serve', '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--gateway', '127.0.0.1:0'],
        ['--cloud-services', services, '--spending-limit', '1000000', '--gateway-max-running', '1024'],
      ].flat(),
    })
    try {
      const isConnected = ({ type, state }: { type: string; state?: unknown }) =>
        type === 'chain' && state === 'connected'
      await node.waitFor('the chain', isConnected, 60_000)
      await node.waitFor('the door', ({ type }) => type === 'ready', 60_000)
      const { url } = (await node.control.call('door', {})) as DoorView
      const ways = { direct: upstream.url, proxy: proxy.url, gateway: url }
      for (const way of Object.values(ways)) await load(way, WARM_UP)
      const rows: BenchRow[] = []
      for (const options of LOADS) {
        if (!PERCENTILES.some(percentile => wanted(nameOf(percentile, options.streams)))) continue
        rows.push(...(await measure(ways, options)))
      }
      if (wanted(BURST_ROW)) rows.push(await burst(ways))
      return rows
    } finally {
      await node.stop()
      await proxy.stop()
      await upstream.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

type Way = 'direct' | 'proxy' | 'gateway'

async function measure(ways: Record<Way, string>, options: (typeof LOADS)[number]): Promise<BenchRow[]> {
  const samples: Record<Way, Sample[]> = { direct: [], proxy: [], gateway: [] }
  const requests = Math.ceil(options.requests / ROUNDS)
  for (let round = 0; round < ROUNDS; round++)
    for (const way of Object.keys(ways) as Way[])
      samples[way].push(...(await load(ways[way], { ...options, requests, seed: round + 1 })))
  const firsts = (way: Way) => sorted(samples[way].map(({ firstMs }) => firstMs))
  const direct = at(firsts('direct'), 'p50')
  const gateway = firsts('gateway')
  const proxy = firsts('proxy')
  const tokens = sorted(samples.gateway.flatMap(({ tokensMs }) => tokensMs))
  const tokensDirect = at(sorted(samples.direct.flatMap(({ tokensMs }) => tokensMs)), 'p50')
  const each = (percentile: Percentile) => (at(tokens, percentile) - tokensDirect).toFixed(2)
  return PERCENTILES.map(percentile =>
    valueRow(
      {
        name: nameOf(percentile, options.streams),
        unit: 'ms',
        value: at(gateway, percentile) - direct,
        baseline: at(proxy, percentile) - direct,
        note: `added to the first token by a node's gateway; baseline: a bare Fastify proxy; ${samples.gateway.length} requests, ${options.streams} at once; to each further token ${each('p50')} ms at the median, ${each('p99')} at p99`,
      },
      { atMost: GOALS[percentile] },
    ),
  )
}

/** All clients ask in the same moment: each waits for those before it. */
async function burst(ways: Record<Way, string>): Promise<BenchRow> {
  const { streams, tokens, times } = BURST
  const firsts: Record<Way, number[]> = { direct: [], proxy: [], gateway: [] }
  for (let time = 0; time < times; time++)
    for (const way of Object.keys(ways) as Way[]) {
      const samples = await load(ways[way], {
        streams,
        requests: streams,
        tokens,
        seed: time + 1,
        atOnce: true,
      })
      firsts[way].push(...samples.map(({ firstMs }) => firstMs))
    }
  const of = (way: Way, percentile: Percentile) => at(sorted(firsts[way]), percentile)
  const [gateway, proxy] = [
    of('gateway', 'p99') - of('direct', 'p99'),
    of('proxy', 'p99') - of('direct', 'p99'),
  ]
  return valueRow(
    {
      name: BURST_ROW,
      unit: 'ms',
      value: of('gateway', 'p50') - of('direct', 'p50'),
      baseline: of('proxy', 'p50') - of('direct', 'p50'),
      note: `added to the first token at the median where ${streams} clients ask in the same moment; p99 ${gateway.toFixed(1)} ms, of the proxy ${proxy.toFixed(1)} ms`,
    },
    { atMost: BURST_GOAL_MS },
  )
}

function sorted(values: readonly number[]): Float64Array {
  return Float64Array.from(values).sort()
}

/** The nearest rank. */
function at(values: Float64Array, percentile: Percentile): number {
  return values[
    Math.min(values.length - 1, Math.ceil((Number(percentile.slice(1)) / 100) * values.length) - 1)
  ]!
}

function servicesAt(url: string): unknown {
  const model = { model: 'scripted', input: '1', output: '4', contextTokens: 8_192, tokensPerSecond: 60 }
  const service = {
    name: 'scripted',
    url: `${url}/v1`,
    dataClass: 'SHARED',
    maxConcurrent: 256,
    models: [model],
  }
  return { services: [service] }
}

/** A process of `test/bench/gateway/`, which says its port and ends with us. */
async function start(name: string, ...given: string[]): Promise<{ url: string; stop: () => Promise<void> }> {
  const child: ChildProcess = fork(fileURLToPath(new URL(`gateway/${name}.ts`, import.meta.url)), given)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}
