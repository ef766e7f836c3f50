import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A line to a server that can be cut in the middle of anything, as when a machine goes down, and mended again. */
export class CutLine {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false
  #cutAfter: string | null = null

  private constructor(server: Server) {
    this.#server = server
  }

  static async to(url: string): Promise<CutLine> {
    const { hostname, port } = new URL(url)
    const server = createServer()
    const line = new CutLine(server)
    server.on('connection', near => {
      if (line.#isCut) {
        near.destroy()
        return
      }
      const far = connect(Number(port), hostname)
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        line.#sockets.add(from)
        from.on('error', () => {})
        from.on('close', () => {
          line.#sockets.delete(from)
          to.destroy()
        })
      }
      near.pipe(far)
      far.on('data', (bytes: Buffer) => {
        const at = line.#cutAfter === null ? -1 : bytes.indexOf(line.#cutAfter)
        if (at === -1) {
          near.write(bytes)
          return
        }
        // What follows that event is lost on the way; what came before arrives.
        const end = bytes.indexOf('\n\n', at)
        near.write(bytes.subarray(0, end === -1 ? bytes.length : end + 2), () => line.cut())
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Cuts it behind the first event of a stream that holds this; where it comes in two packets, behind a later one. */
  cutAfter(text: string): void {
    this.#cutAfter = text
  }

  mend(): void {
    this.#isCut = false
    this.#cutAfter = null
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
