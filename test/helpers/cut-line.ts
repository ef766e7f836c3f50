import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A line to a server that can be held and cut in the middle of anything, as when a machine goes down, and mended again. */
export class CutLine {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false
  #isHeld = false
  #holdAfter: string | null = null

  private constructor(server: Server) {
    this.#server = server
  }

  static async to(url: string): Promise<CutLine> {
    const { hostname, port } = new URL(url)
    const server = createServer()
    const line = new CutLine(server)
    server.on('connection', near => {
      if (line.#isCut) near.destroy()
      else line.#join(near, connect(Number(port), hostname))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /**
   * Behind the first event of a stream that holds this, nothing comes from the server any more, and nobody is told;
   * where the text comes in two packets, behind a later one.
   */
  holdAfter(text: string): void {
    this.#holdAfter = text
  }

  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#isCut = false
    this.#isHeld = false
    this.#holdAfter = null
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
    near.pipe(far)
    far.on('data', (bytes: Buffer) => {
      if (this.#isHeld) return
      const at = this.#holdAfter === null ? -1 : bytes.indexOf(this.#holdAfter)
      if (at === -1) {
        near.write(bytes)
        return
      }
      this.#isHeld = true
      const end = bytes.indexOf('\n\n', at)
      near.write(end === -1 ? bytes : bytes.subarray(0, end + 2))
    })
  }
}
