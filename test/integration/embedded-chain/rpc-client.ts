import { setTimeout as delay } from 'node:timers/promises'

/** JSON-RPC by hand: no caching, no batching, no retries. */
export class RpcClient {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  /** @throws the server's error, or that of the connection */
  async send<Result>(method: string, ...params: unknown[]): Promise<Result> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    const answer = (await response.json()) as { result: Result; error?: { message: string; code: number } }
    if (answer.error !== undefined) throw Object.assign(new Error(answer.error.message), answer.error)
    return answer.result
  }
}

/** Waits until no process has this id. */
export async function processGone(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(5)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
