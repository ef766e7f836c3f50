import { Socket } from 'node:net'

/** Counts what this process writes to sockets: what members of one process send each other. */
export class SocketMeter {
  /** Since `start` or `reset`. */
  bytes = 0
  #undo = () => {}

  start(): void {
    const { prototype } = Socket as unknown as { prototype: { write: (...args: unknown[]) => boolean } }
    const { write } = prototype
    const count = (bytes: number) => {
      this.bytes += bytes
    }
    prototype.write = function (this: unknown, ...args: unknown[]) {
      const [data] = args as [string | { byteLength: number }]
      count(typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength)
      return write.apply(this, args)
    }
    this.#undo = () => {
      prototype.write = write
    }
  }

  reset(): void {
    this.bytes = 0
  }

  stop(): void {
    this.#undo()
  }
}
