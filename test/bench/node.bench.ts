import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { EmbeddedChain } from '../../node/chain/embedded/embedded-chain.ts'
import { type Bench, type BenchRow, median, valueRow } from './row.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const BARE = fileURLToPath(new URL('./bare-libp2p.ts', import.meta.url))
const STARTS = 5
/** What start-up leaves behind is collected by then. */
const IDLE_MS = 10_000
const MEGABYTE = 1_000_000

/** A node's start and what it holds when idle, beside a bare libp2p host of the same stack. */
export const nodeBench: Bench = {
  rows: ['node.start', 'node.memory'],
  async run(wanted) {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
    const chain = new EmbeddedChain({ folder: join(folder, 'chain') })
    const { rpcUrl } = await chain.start()
    const up = [
      'up',
      '--json',
      '--no-serve',
      '--no-mdns',
      '--rpc',
      rpcUrl,
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--data',
      join(folder, 'node'),
    ]
    const startNode = () => startProcess([MAIN, ...up])
    const startBare = () => startProcess([BARE])
    const rows: BenchRow[] = []
    try {
      // The first start makes keys and compiles; it is not what people wait for each time.
      await (await startNode()).stop()
      await (await startBare()).stop()
      if (wanted('node.start')) rows.push(await startRow(startNode, startBare))
      if (wanted('node.memory')) rows.push(await memoryRow(startNode, startBare))
      return rows
    } finally {
      await chain.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

interface Started {
  readyMs: number
  pid: number
  stop: () => Promise<void>
}

/** Starts a program and waits for its line `{"type":"ready"}`. */
async function startProcess(args: readonly string[]): Promise<Started> {
  const startMs = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const readyMs = await new Promise<number>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`${args[0]} ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', line => {
      if ((JSON.parse(line) as { type: string }).type === 'ready') resolve(performance.now() - startMs)
    })
  })
  return { readyMs, pid: child.pid!, stop: () => stopProcess(child) }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

async function startRow(
  startNode: () => Promise<Started>,
  startBare: () => Promise<Started>,
): Promise<BenchRow> {
  const [node, bare]: [number[], number[]] = [[], []]
  for (let i = 0; i < STARTS; i++) {
    for (const [times, start] of [
      [bare, startBare],
      [node, startNode],
    ] as const) {
      const started = await start()
      times.push(started.readyMs)
      await started.stop()
    }
  }
  return valueRow(
    {
      name: 'node.start',
      unit: 'ms',
      value: median(node),
      baseline: median(bare),
      note: 'from the command to ready to trade, wallet unlocked and chain connected (baseline: a bare libp2p host until it listens)',
    },
    { atMost: 1_500 },
  )
}

async function memoryRow(
  startNode: () => Promise<Started>,
  startBare: () => Promise<Started>,
): Promise<BenchRow> {
  const [bare, node] = await Promise.all([startBare(), startNode()])
  await new Promise(resolve => setTimeout(resolve, IDLE_MS))
  const [bareBytes, nodeBytes] = await Promise.all([residentBytes(bare.pid), residentBytes(node.pid)])
  await Promise.all([bare.stop(), node.stop()])
  return valueRow(
    {
      name: 'node.memory',
      unit: 'MB resident',
      value: nodeBytes / MEGABYTE,
      baseline: bareBytes / MEGABYTE,
      note: 'the idle node process (baseline: an idle bare libp2p host)',
    },
    { atMost: 170 },
  )
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
}
