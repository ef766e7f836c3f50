import { connect, type Socket } from 'node:net'

/**
 * Clients of streams of events, as a process of its own: connects so many, then answers with how late each event came to
 * the first of them, and with how many of them have had the last one.
 */
const [address, count] = process.argv.slice(2)
const { hostname, port, pathname } = new URL(address!)
const CONNECT_AT_ONCE = 100
const sockets: Socket[] = []
const latenciesMs: number[] = []
let reached = 0
let waitedFor = 0
let rest = ''

process.on('message', (told: { expect?: number }) => {
  waitedFor = told.expect ?? 0
  reached = 0
  latenciesMs.length = 0
  process.send!({ ready: true })
})

while (sockets.length < Number(count)) {
  const more = Math.min(CONNECT_AT_ONCE, Number(count) - sockets.length)
  sockets.push(...(await Promise.all(Array.from({ length: more }, open))))
}
for (const [i, socket] of sockets.entries()) socket.on('data', data => received(i, data))
process.send!({ connected: sockets.length })

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    socket.once('error', reject)
    socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\naccept: text/event-stream\r\n\r\n`)
    // The head of the answer.
    socket.once('data', () => resolve(socket))
  })
}

function received(i: number, data: Buffer): void {
  const nowMs = performance.timeOrigin + performance.now()
  if (i > 0) {
    // One event is told to many: a part of it is enough to know that it came.
    if (data.includes('event: ')) count1()
    return
  }
  const lines = (rest + data.toString()).split('\n')
  rest = lines.pop()!
  for (const line of lines) {
    const told = /"message":"([\d.]+)"/.exec(line)
    if (told === null) continue
    latenciesMs.push(nowMs - Number(told[1]))
    if (latenciesMs.length === waitedFor || sockets.length > 1) count1()
  }
}

function count1(): void {
  reached++
  if (sockets.length > 1 && reached < sockets.length) return
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  process.send!({
    reached,
    events: sorted.length,
    p50: sorted[Math.floor(sorted.length * 0.5)],
    p95: sorted[Math.floor(sorted.length * 0.95)],
    max: sorted.at(-1),
  })
}
