import { resolveObjectURL } from 'node:buffer'
import { Worker as NodeWorker } from 'node:worker_threads'

/** What a browser's worker has and jax-js's threads use, as it is spelt in Node. */
const PRELUDE = `
const { parentPort } = require('node:worker_threads')
const self = {}
const postMessage = message => parentPort.postMessage(message)
parentPort.on('message', data => self.onmessage({ data }))
`

/**
 * A browser's `Worker`, as far as jax-js needs one to share out the kernels of its wasm backend. A worker that has
 * nothing to do does not keep the process alive.
 */
class BrowserWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null
  onerror: ((error: Error) => void) | null = null
  readonly #started: Promise<NodeWorker>

  constructor(url: string) {
    this.#started = this.#start(url)
  }

  postMessage(message: unknown): void {
    void this.#started.then(worker => {
      worker.ref()
      worker.postMessage(message)
    })
  }

  async #start(url: string): Promise<NodeWorker> {
    const source = await resolveObjectURL(url)!.text()
    const worker = new NodeWorker(PRELUDE + source, { eval: true })
    worker.on('message', data => {
      worker.unref()
      this.onmessage?.({ data })
    })
    worker.on('error', error => this.onerror?.(error))
    return worker
  }
}

/**
 * Makes jax-js's wasm backend share its work out to so many threads. To be called before jax-js is loaded, since it
 * makes the backend while it loads. The numbers stay the same bit by bit: threads divide what a kernel puts out, not
 * what it sums up.
 */
export function useThreads(threads: number): void {
  if (threads < 2) return
  Object.defineProperty(globalThis, 'Worker', { value: BrowserWorker, configurable: true, writable: true })
  // This is what it takes for their number.
  Object.defineProperty(globalThis.navigator, 'hardwareConcurrency', { value: threads, configurable: true })
}
