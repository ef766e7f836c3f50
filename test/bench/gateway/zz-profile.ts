import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DemoNode } from '../../../cli/demo/demo-node.ts'
import { dataDirAt } from '../../../node/data-dir.ts'
import { load } from './load.ts'

const folder = await mkdtemp('/tmp/i7/http-prof/b-')
const up = fork(new URL('upstream.ts', import.meta.url), [], { env: { ...process.env, NODE_OPTIONS: '' } })
const [{ port }] = (await once(up, 'message')) as [{ port: number }]
const url = `http://127.0.0.1:${port}`
const proxy = fork(new URL('proxy.ts', import.meta.url), [url], { env: { ...process.env, NODE_OPTIONS: '' } })
const [{ port: pport }] = (await once(proxy, 'message')) as [{ port: number }]
const services = join(folder, 's.json')
await writeFile(
  services,
  JSON.stringify({
    services: [
      {
        name: 'scripted',
        url: `${url}/v1`,
        dataClass: 'SHARED',
        maxConcurrent: 256,
        models: [{ model: 'scripted', input: '1', output: '4', contextTokens: 8192, tokensPerSecond: 60 }],
      },
    ],
  }),
)
if (process.argv[2] === 'prof')
  process.env.NODE_OPTIONS = process.argv[4] ?? `--cpu-prof --cpu-prof-dir=${folder}`
const node = new DemoNode({
  name: 'g',
  dataDir: dataDirAt(join(folder, 'node')),
  flags: [
    '--no-serve',
    '--no-mdns',
    '--listen',
    '/ip4/127.0.0.1/tcp/0',
    '--gateway',
    '127.0.0.1:0',
    '--cloud-services',
    services,
    '--spending-limit',
    '1000000',
  ],
})
delete process.env.NODE_OPTIONS
await node.waitFor('chain', e => e.type === 'chain' && e.state === 'connected', 60000)
await node.waitFor('ready', e => e.type === 'ready', 60000)
const { url: door } = (await node.control.call('door', {})) as { url: string }
const cpu = async (pid: number) => {
  const f = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
  return (Number(f[11]) + Number(f[12])) * 10
}
await load(door, { streams: 8, requests: 100, tokens: 8, seed: 9 })
const q = (a: number[], p: number) => a.toSorted((x, y) => x - y)[Math.floor(a.length * p)]!.toFixed(2)
const WAYS = (process.argv[3] ?? 'direct,proxy,gateway').split(',')
for (const [streams, requests, tokens] of [
  [8, 200, 24],
  [8, 320, 2],
] as const) {
  for (const [way, u, pid] of [
    ['direct', url, up.pid!],
    ['proxy', `http://127.0.0.1:${pport}`, proxy.pid!],
    ['gateway', door, node.pid],
  ] as const) {
    if (!WAYS.includes(way)) continue
    const before = await cpu(pid),
      t = Date.now()
    const s = await load(u, { streams, requests, tokens, seed: 5 })
    const used = (await cpu(pid)) - before
    const f = s.map(x => x.firstMs),
      tk = s.flatMap(x => x.tokensMs)
    console.log(
      streams,
      tokens,
      way.padEnd(8),
      'cpu/req ms',
      (used / s.length).toFixed(2),
      'first p50',
      q(f, 0.5),
      'p95',
      q(f, 0.95),
      'p99',
      q(f, 0.99),
      'tok p50',
      q(tk, 0.5),
      'p99',
      q(tk, 0.99),
      'wall',
      Date.now() - t,
    )
  }
}
await node.stop()
proxy.disconnect()
up.disconnect()
console.log(folder)
process.exit()
