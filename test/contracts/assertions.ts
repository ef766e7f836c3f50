import assert from 'node:assert/strict'
import type { LogDescription } from 'ethers'
import { Revert } from './test-chain.ts'

/**
 * Passes when the promise is rejected with a contract's error of this name and these arguments. Arguments that have to
 * be looked up are promises: awaited before the call, they would leave its rejection unhandled for a while.
 */
export async function assertReverts(
  promise: Promise<unknown>,
  error: string,
  ...args: readonly unknown[]
): Promise<void> {
  const thrown: unknown = await promise.then(
    () => assert.fail(`does not revert with ${error}`),
    (reason: unknown) => reason,
  )
  if (!(thrown instanceof Revert)) throw thrown
  assert.equal(thrown.error, error)
  assert.deepEqual(thrown.args, await Promise.all(args))
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
