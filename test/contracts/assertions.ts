import assert from 'node:assert/strict'
import type { LogDescription } from 'ethers'
import { Revert } from './test-chain.ts'

/** Passes when the promise is rejected with a contract's error of this name and these arguments. */
export async function assertReverts(
  promise: Promise<unknown>,
  error: string,
  ...args: readonly unknown[]
): Promise<void> {
  await assert.rejects(promise, (thrown: unknown) => {
    if (!(thrown instanceof Revert)) throw thrown
    assert.equal(thrown.error, error)
    assert.deepEqual(thrown.args, args)
    return true
  })
}

/** Passes when the events have these names and arguments, in this order. */
export function assertEvents(
  { events }: { events: readonly LogDescription[] },
  ...expected: readonly (readonly [name: string, ...args: unknown[]])[]
): void {
  assert.deepEqual(
    events.map(({ name, args }) => [name, ...args]),
    expected,
  )
}
