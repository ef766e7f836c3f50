/**
 * Waits until `condition` holds, for states that no event announces.
 * @throws {Error} naming `what` after `timeoutMs`
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
