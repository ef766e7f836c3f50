import { createHash } from 'node:crypto'

/** Of groups, how many are held out. */
export const HELD_OUT_SHARE = 0.1

const SCALE = 2 ** 32

/** Names a group by what it begins with, so that a conversation that has grown since is the same. */
export function groupOf(firstWords: readonly string[]): string {
  return createHash('sha256').update('shoal/1/learning-group\0').update(firstWords.join(' ')).digest('hex').slice(0, 32)
}

/**
 * Which groups are held out: those whose hash falls into the share, and, so that something is, the lowest where there
 * are at least two groups.
 */
export function heldOutGroups(groups: Iterable<string>, share = HELD_OUT_SHARE): Set<string> {
  const heldOut = new Set<string>()
  let lowest: string | null = null
  let size = 0
  for (const group of groups) {
    size++
    if (Number.parseInt(group.slice(0, 8), 16) < share * SCALE) heldOut.add(group)
    if (lowest === null || group < lowest) lowest = group
  }
  if (heldOut.size === 0 && size > 1) heldOut.add(lowest!)
  // Something must be left to learn from.
  if (heldOut.size === size && size > 0) heldOut.delete([...heldOut].sort().at(-1)!)
  return heldOut
}
